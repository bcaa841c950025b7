// yaml.js is made of the library by tools/page.js.
export { parse, stringify } from "yaml";
