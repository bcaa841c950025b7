// What the provider's errors mean, where they don't say it.

/** What an error of a volume's creation means and what to do, or nothing where it says that itself. */
export function explainCreation(name: string, errors: string[]): string | undefined {
  const text = errors.join("\n");
  if (/in error status|unexpected state 'error/.test(text)) {
    const [id] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text) ?? ["of this name"];
    return (
      `${name}: Cinder took the request and then failed to make volume ${id}. Most often no backend serves the volume type, or none has ` +
      `the room: openstack volume message list --resource-id ${id} may tell. The volume is left in status "error"; the next pulumi up ` +
      "deletes it and makes it anew"
    );
  }
  if (text.includes("but got 413")) {
    return `${name}: a quota of the project is full (openstack quota show --usage --volume), or Cinder has had too many requests`;
  }
  return undefined;
}
