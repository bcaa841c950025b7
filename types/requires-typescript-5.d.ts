// What TypeScript below 5.0 finds instead of our types (`typesVersions` in package.json), so that its error names the reason. Pulumi's SDK
// brings 3.8, and runs programs with it where the folder has no other.

export {};
