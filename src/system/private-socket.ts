// Unix sockets for one user.

/** Has a socket made that nobody else may connect to, from the first moment on. */
export async function privately<T>(listen: () => Promise<T>): Promise<T> {
  const before = process.umask(0o177);
  try {
    return await listen();
  } finally {
    process.umask(before);
  }
}
