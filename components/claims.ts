// Which resource of this run has which volume and which mapping. The engine deletes what a renamed or replaced resource was
// after it has made what that is now, and on an array both may be one thing: then the deletion must leave it alone.

/** A resource that has something. Its name is the one in the program. */
export interface Holder {
  by: string | undefined;
  /**
   * `wants`: it is checked, and will take it over or make it. `keeps`: the state has it as this resource's, and it stays.
   * `made`: this run has made it or taken it over.
   */
  how: "wants" | "keeps" | "made";
  /** For `keeps`: the resource's name in the state. It differs after a renaming with an alias. */
  recordedBy?: string | undefined;
}

/** The volumes, or the mappings, that the resources of this run have. */
export class Claims {
  private readonly holders = new Map<string, Holder>();

  /** Somebody is about to make it or take it over, perhaps in place of itself. Returns another one that has it, and keeps it. */
  want(id: string, by: string | undefined): Holder | undefined {
    const holder = this.holders.get(id);
    if (holder && holder.by !== by) return holder;
    this.holders.set(id, { by, how: "wants" });
    return undefined;
  }

  /** This run has made it, or taken it over. */
  make(id: string, by: string | undefined): void {
    this.holders.set(id, { by, how: "made" });
  }

  /** It stays with the resource that has it in the state. Returns another one that has it, and keeps it. */
  keep(id: string, by: string | undefined, recordedBy: string | undefined): Holder | undefined {
    const holder = this.holders.get(id);
    if (holder && holder.by !== by) return holder;
    this.holders.set(id, { by, how: "keeps", recordedBy });
    return undefined;
  }

  /** Who has what a resource, so called in the state, is to delete. */
  heir(id: string, recordedBy: string | undefined): Holder | undefined {
    const holder = this.holders.get(id);
    const isItself = holder?.how === "keeps" && holder.recordedBy === recordedBy;
    return isItself ? undefined : holder;
  }
}

/** What is wrong where two resources of a program have one volume. */
export function declaredTwice(id: string, by: string | undefined, other: string | undefined): string {
  return (
    `volume ${id} is declared twice: "${by}" and "${other}". Keep one of them. ` +
    "(If it was renamed, add its old name: aliases: [{ name: … }].)"
  );
}
