// A state backend's URL may have a password, and Pulumi repeats the URL in its errors and in `whoami`: nothing of ours passes it on. Pure.

/** A text without the passwords of the URLs in it: `postgres://user:****@host/state`. */
export function withoutCredentials(text: string): string {
  return (
    text
      // What is in quotes may have spaces, and quotes of the other kind; a user's name an "@": me@server:password@host.
      .replace(/("(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^\s:/?#"]*:)(?:[^"\\\n]|\\.)+@/gi, "$1****@")
      // Only a URL of the web may have an "@" that ends no credentials: https://host:8080/@scope.
      .replace(/(\bhttps?:\/\/[^\s:/?#"]*:)[^\s/?#"]+@/gi, "$1****@")
      // Elsewhere a password may stand as it is, with characters that a URL doesn't allow.
      .replace(/(\b(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^\s:/?#"]*:)[^\s"]+@/gi, "$1****@")
      // Go repeats the part of a password that it takes for a port, or for an escaped character.
      .replace(/(invalid (?:port|URL escape) )"(?:[^"\\]|\\.)*"/g, '$1"****"')
      .replace(/([?&](?:\w*password|\w*secret|\w*token|sig)=)[^\s&"]+/gi, "$1****")
  );
}
