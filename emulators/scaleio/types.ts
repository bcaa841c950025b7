// The types of objects that the API knows, each with what can be asked of it and done to it.
import type { StorageArray } from "./array";
import { readId, type Body } from "./body";
import { invalidRequest, notFound, refusal, type MdmErrorName } from "./errors";
import type { View } from "./views";

/** One type of objects, as the routes use it. */
export interface ObjectType {
  list(array: StorageArray): View[];
  get(array: StorageArray, id: string): View;
  relationship(array: StorageArray, id: string, name: string): unknown;
  statistics(array: StorageArray, id: string): View;
  /** Undefined where the action's answer is empty. */
  act(array: StorageArray, id: string, action: string, body: Body): unknown;
  create(array: StorageArray, body: Body): { id: string };
  idByKey(array: StorageArray, body: Body): string;
  ids(array: StorageArray): string[];
}

export interface Action<T> {
  /** The API version that has brought it. */
  readonly since?: string;
  readonly run: (array: StorageArray, object: T, body: Body) => unknown;
}

export interface TypeDefinition<T extends { readonly id: string }> {
  readonly name: string;
  readonly all: (array: StorageArray) => Iterable<T>;
  readonly missing: MdmErrorName;
  readonly view: (array: StorageArray, object: T) => View;
  readonly statistics?: (array: StorageArray, object: T) => View;
  readonly relationships?: Readonly<Record<string, (array: StorageArray, object: T) => unknown>>;
  readonly actions?: Readonly<Record<string, Action<T>>>;
  readonly create?: (array: StorageArray, body: Body) => { id: string };
  readonly idByKey?: (array: StorageArray, body: Body) => string;
}

export function defineType<T extends { readonly id: string }>(definition: TypeDefinition<T>): ObjectType {
  const { name, all, missing, view, statistics, relationships = {}, actions = {} } = definition;
  const find = (array: StorageArray, text: string) => {
    const id = readId("id", text);
    return [...all(array)].find((object) => object.id === id);
  };
  const require = (array: StorageArray, text: string) => {
    const object = find(array, text);
    if (!object) throw refusal(missing);
    return object;
  };
  return {
    list: (array) => [...all(array)].map((object) => view(array, object)),
    ids: (array) => [...all(array)].map(({ id }) => id),
    get: (array, id) => view(array, require(array, id)),
    statistics: (array, id) => {
      if (!statistics) throw notFound(`The relationship ${name}/Statistics`);
      return statistics(array, require(array, id));
    },
    relationship: (array, id, relation) => {
      const read = relation === "Statistics" ? statistics : own(relationships, relation);
      if (!read) throw notFound(`The relationship ${name}/${relation}`);
      const object = find(array, id);
      if (!object) throw relationshipFailed(relation);
      return read(array, object);
    },
    act: (array, id, name_, body) => {
      const action = own(actions, name_);
      if (!action || (action.since !== undefined && !array.version.atLeast(action.since))) {
        throw notFound(`The action ${name_} of ${name}`);
      }
      return action.run(array, require(array, id), body);
    },
    create: (array, body) => {
      if (!definition.create) throw notFound(`The creation of ${name}`);
      return { id: definition.create(array, body).id };
    },
    idByKey: (array, body) => {
      if (!definition.idByKey) throw notFound(`The action queryIdByKey of ${name}`);
      return definition.idByKey(array, body);
    },
  };
}

/** A property of a table's own: "constructor" is no action. */
export function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function relationshipFailed(relation: string) {
  const error = invalidRequest(`Error in get relationship ${relation}`);
  return Object.assign(error, { status: 500 });
}
