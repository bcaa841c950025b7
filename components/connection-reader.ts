// How a backend's own connection is read: from Pulumi's config, else the environment, with everything that is wrong in one error.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { connectionSource, type ConnectionSource } from "./named-connections";

/** Which connection is read, and from where. */
export interface ConnectionToRead {
  namespace: string;
  config: ConnectionSource["config"];
  environment: NodeJS.ProcessEnv;
  /** Its name, where it is a named one. */
  name: string | undefined;
  /** The backend's error for a connection that isn't set up. */
  notConfigured: (message: string) => Error;
}

/** The variable of the environment that stands for a key: SCALEIO_CA_FILE for `caFile`. */
export function variableFor(namespace: string, key: string): string {
  return `${namespace}_${key.replace(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();
}

/** A connection while it is read. */
export class ConnectionReader<Key extends string> {
  /** What is wrong so far, each without the prefix of its key. */
  readonly wrong: string[] = [];
  readonly source: ConnectionSource;

  /** Throws the backend's error where there is no connection of that name. */
  constructor(private readonly connection: ConnectionToRead) {
    const { namespace, config, environment, name, notConfigured } = connection;
    const source = connectionSource(namespace, config, environment, name);
    if ("missing" in source) throw notConfigured(source.missing);
    this.source = source;
  }

  /** The value of a key; the config takes precedence over the environment. */
  value(key: Key): string | undefined {
    return this.inConfig(key) ?? this.inEnvironment(key);
  }

  inConfig(key: Key): string | undefined {
    return this.source.config(`${this.connection.namespace}:${key}`);
  }

  inEnvironment(key: Key): string | undefined {
    return this.source.environment[variableFor(this.connection.namespace, key)];
  }

  /** The value of a key that must be there. */
  required(key: Key, example: string): string {
    const found = this.value(key);
    if (!found) this.missing(key, example);
    return found ?? "";
  }

  /** Notes that a key is missing, with how to set it; `example` where it is no secret. */
  missing(key: Key, example?: string): void {
    const { namespace } = this.connection;
    this.wrong.push(`${key} is missing: ${this.source.howToSet(key, variableFor(namespace, key), example)}`);
  }

  /** `insecure`: whether certificates aren't verified. Default: false */
  insecure(this: ConnectionReader<Key | "insecure">): boolean {
    const text = this.value("insecure") ?? "false";
    if (!/^(true|false)$/.test(text)) this.wrong.push("insecure must be true or false");
    return text === "true";
  }

  /** `timeoutSeconds`, in milliseconds. Default: a minute */
  timeoutMs(this: ConnectionReader<Key | "timeoutSeconds">): number {
    const seconds = Number(this.value("timeoutSeconds") ?? "60");
    if (!(seconds >= 1 && seconds <= 3_600)) this.wrong.push("timeoutSeconds must be a number from 1 to 3600");
    return seconds * 1000;
  }

  /** The certificate in `caFile`, as PEM. `isNone` is how a file is called that has none. */
  ca(this: ConnectionReader<Key | "caFile">, isNone: string): string | undefined {
    const file = this.value("caFile");
    const text = file === undefined ? undefined : this.text("caFile", file);
    if (text !== undefined && !text.includes("-----BEGIN CERTIFICATE-----"))
      this.wrong.push(`caFile: ${resolve(file ?? "")} ${isNone}`);
    return text;
  }

  /** A secret by its key, or in a file that `fileKey` names: the config's, in one form or the other; else the environment's. */
  secret(key: Key, fileKey: Key): string {
    for (const where of ["inConfig", "inEnvironment"] as const) {
      const [given, file] = [this[where](key), this[where](fileKey)].map((each) =>
        // A variable that is empty is as if it weren't set.
        where === "inEnvironment" && each === "" ? undefined : each,
      );
      if (given === undefined && file === undefined) continue;
      if (given !== undefined && file !== undefined) {
        this.wrong.push(`${key} and ${fileKey} are both set: keep one of them`);
        return "";
      }
      const text = file === undefined ? given : this.text(fileKey, file)?.replace(/\r?\n$/, "");
      if (text === "")
        this.wrong.push(file === undefined ? `${key} is empty` : `${fileKey}: ${resolve(file)} is empty`);
      return text ?? "";
    }
    this.missing(key);
    return "";
  }

  /** The text of a file that a key names, relative to the program; nothing where it can't be read, which is wrong. */
  text(key: Key, file: string): string | undefined {
    try {
      return readFileSync(resolve(file), "utf8");
    } catch (error) {
      this.wrong.push(`${key}: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Throws the backend's error where something is wrong. `what` isn't set up: "the connection to the Ceph cluster". */
  end(what: string): void {
    if (this.wrong.length === 0) return;
    const list = this.wrong.map((each) => `\n  - ${this.source.prefix}${each}`).join("");
    throw this.connection.notConfigured(`${what} isn't set up:${list}`);
  }
}
