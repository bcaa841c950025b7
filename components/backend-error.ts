// What the errors of backends share: a code of the backend's own, and no stack.

/**
 * What went wrong with a backend, in words for the person who asked for it. Carries no secret, and no stack: the engine prints that of what a
 * dynamic provider throws, and there is nothing in it for the user.
 */
export class BackendError<Code extends string> extends Error {
  constructor(
    readonly code: Code,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
    this.stack = `${this.name}: ${message}`;
  }
}
