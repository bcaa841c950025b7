// Lint: type-aware for TypeScript, plain for the tools. Format is prettier's business.
import js from "@eslint/js";
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

// Imports point one way (docs/architecture.md): each room, and those that it may import.
const rooms = {
  "src/core": [],
  "src/system": [],
  "src/backends": ["src/core"],
  "src/compose": ["src/core", "src/backends"],
  "src/stack": ["src/core", "src/backends", "src/system"],
  "src/cli": ["src/core", "src/backends", "src/stack", "src/http", "src/docker"],
  "src/http": ["src/core", "src/backends", "src/stack", "src/system"],
  // How a volume gets onto a machine is the backends' to say.
  "src/docker": ["src/core", "src/stack", "src/system", "components/host"],
  "components/host": ["src/core", "src/system", "components/backends"],
  "components/backends": ["src/core", "src/backends", "src/system", "components/host"],
  "components/compose": ["src/core", "src/compose"],
  emulators: ["src/core", "src/system"],
  plugin: ["src/core", "src/backends", "src/system", "components/backends", "components/compose"],
  policy: ["src/core", "src/backends"],
  stacks: [],
};
const zones = Object.entries(rooms).map(([room, mayImport]) => ({
  target: `./${room}`,
  from: Object.keys(rooms)
    .filter((each) => each !== room && !mayImport.includes(each))
    .map((each) => `./${each}`),
}));

const node = Object.fromEntries(
  [
    "require",
    "module",
    "exports",
    "process",
    "console",
    "Buffer",
    "__dirname",
    "__filename",
    "setTimeout",
    "setInterval",
  ]
    .concat(["clearTimeout", "clearInterval", "setImmediate", "URL", "performance", "fetch"])
    .map((name) => [name, "readonly"]),
);

const browser = Object.fromEntries(
  ["document", "location", "fetch", "setTimeout", "clearTimeout", "performance", "URL", "URLSearchParams"]
    .concat([
      "AbortController",
      "AbortSignal",
      "DOMException",
      "Event",
      "requestAnimationFrame",
      "HTMLElement",
      "TextDecoderStream",
    ])
    .map((name) => [name, "readonly"]),
);

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/", ".demo/", "src/http/page/*.d.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // `x == null` is how both null and undefined are met; everywhere else === it is.
      eqeqeq: ["error", "always", { null: "ignore" }],
      // A key that a type doesn't have is asked for by its name in brackets (noPropertyAccessFromIndexSignature's habit).
      "@typescript-eslint/dot-notation": "off",
      // An interface that only extends a type gives it a name, which declarations refer to instead of writing the type out.
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "with-single-extends" }],
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
    },
  },
  {
    files: ["components/**/*.ts", "src/**/*.ts", "emulators/**/*.ts", "stacks/**/*.ts"],
    plugins: { "import-x": importX },
    settings: {
      "import-x/extensions": [".ts", ".js"],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
      "import-x/resolver-next": [createNodeResolver({ extensions: [".ts", ".js"] })],
    },
    rules: {
      "import-x/no-cycle": "error",
      "import-x/no-restricted-paths": ["error", { zones }],
    },
  },
  {
    files: ["components/**/*.ts", "src/**/*.ts", "stacks/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.property.name='apply'] > :function ThrowStatement",
          message:
            "The SDK formats what is thrown in an apply with all that it refers to (34 s and 3.6 GB): return refusedLater(…).",
        },
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // Tests look into what the engine returns, which has no types.
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/no-require-imports": "off",
    },
  },
  {
    // The status page runs in a browser, as it lies there.
    files: ["src/http/page/*.js"],
    languageOptions: { sourceType: "module", globals: browser },
    rules: {
      // Text goes in as text. What would take data for markup isn't called anywhere.
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "write", "writeln"].map((property) => ({ property })),
      ],
    },
  },
  {
    files: ["**/*.js", "tools/engine/language-host/pulumi-*"],
    ignores: ["src/http/page/*.js"],
    languageOptions: { sourceType: "commonjs", globals: node },
    rules: { "no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrors: "none" }] },
  },
);
