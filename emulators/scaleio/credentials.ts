// Credentials in an Authorization header.

export type Credentials =
  | { readonly scheme: "Basic"; readonly username: string; readonly password: string }
  | { readonly scheme: "Bearer"; readonly token: string };

/** Undefined without a header, or with one that can't be read. */
export function readCredentials(header: string | undefined): Credentials | undefined {
  const [, scheme = "", value = ""] = /^(Basic|Bearer) +(\S+) *$/i.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return { scheme: "Bearer", token: value };
  if (scheme.toLowerCase() !== "basic") return undefined;
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { scheme: "Basic", username: text.slice(0, colon), password: text.slice(colon + 1) };
}
