// Reads the fields of a request's body the way the gateway does: scalars as strings or as JSON's own, unknown fields ignored.
import { invalidRequest, missingParameters, notAChoice, notHexadecimal } from "./errors";

const idPattern = /^[0-9a-f]{1,16}$/i;

/** An id as it is kept: 16 digits, lower case. `name` is the field's, for the refusal. */
export function readId(name: string, value: string): string {
  if (!idPattern.test(value)) throw notHexadecimal(name, value);
  return value.toLowerCase().padStart(16, "0");
}

export class Body {
  constructor(private readonly fields: Readonly<Record<string, unknown>>) {}

  /** Of a request's text; empty counts as `{}`. */
  static parse(text: string): Body {
    if (text.trim() === "") return new Body({});
    try {
      const value: unknown = JSON.parse(text);
      if (isObject(value)) return new Body(value);
    } catch {
      // Refused below.
    }
    throw invalidRequest("Request message is not valid: The request body must be a JSON object.");
  }

  /** For the record of calls. */
  toJSON() {
    return this.fields;
  }

  /** The same with a field under the name that another action has for it. */
  renamed(from: string, to: string): Body {
    const { [from]: value, ...others } = this.fields;
    return new Body(value === undefined ? others : { ...others, [to]: value });
  }

  has(name: string): boolean {
    return this.fields[name] !== undefined && this.fields[name] !== null;
  }

  text(name: string): string | undefined {
    const value = this.fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw invalidRequest(`${name} must be a string.`);
  }

  required(name: string): string {
    const text = this.text(name);
    if (text === undefined) throw missingParameters(name);
    return text;
  }

  id(name: string): string | undefined {
    const text = this.text(name);
    return text === undefined || text === "" ? undefined : readId(name, text);
  }

  requiredId(name: string): string {
    return readId(name, this.required(name));
  }

  /** A whole number, not negative. */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
      throw invalidRequest(`${name} (${text}) must be a non-negative whole number.`);
    }
    return value;
  }

  boolean(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = { true: true, false: false }[text.toLowerCase()];
    if (value === undefined) throw notAChoice(name, ["TRUE", "FALSE"], text);
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = choices.find((choice) => choice === text);
    if (value === undefined) throw notAChoice(name, choices, text);
    return value;
  }

  requiredChoice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.choice(name, choices);
    if (value === undefined) throw missingParameters(name);
    return value;
  }

  texts(name: string): string[] | undefined {
    const value = this.fields[name];
    if (value === undefined || value === null) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    throw invalidRequest(`${name} must be a list of strings.`);
  }

  list(name: string): Body[] | undefined {
    const value = this.fields[name];
    if (value === undefined || value === null) return undefined;
    if (Array.isArray(value) && value.every(isObject)) return value.map((item) => new Body(item));
    throw invalidRequest(`${name} must be a list of objects.`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
