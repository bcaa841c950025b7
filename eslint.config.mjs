// Lint: type-aware for TypeScript, plain for the tools. Format is prettier's business.
import js from "@eslint/js";
import tseslint from "typescript-eslint";

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
    .concat(["AbortController", "AbortSignal", "DOMException", "Event", "HTMLElement", "TextDecoderStream"])
    .map((name) => [name, "readonly"]),
);

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/", ".demo/"] },
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
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
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
