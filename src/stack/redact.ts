// A state backend's URL may have a password, and Pulumi repeats the URL in its errors and in `whoami`: nothing of ours passes it on. Pure.

/** A text without the passwords of the URLs in it: `postgres://user:****@host/state`. */
export function withoutCredentials(text: string): string {
  return (
    text
      // Only a URL of the web may have an "@" that ends no credentials: https://host:8080/@scope.
      .replace(/(\bhttps?:\/\/[^\s:/?#@"']*:)[^\s/?#@"']+@/gi, "$1****@")
      // Elsewhere a password may stand as it is, with characters that a URL doesn't allow.
      .replace(/(\b(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"']*:)[^\s"']+@/gi, "$1****@")
      .replace(/([?&](?:\w*password|\w*secret|\w*token|sig)=)[^\s&"']+/gi, "$1****")
  );
}
