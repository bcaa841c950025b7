// One stack: its config file, its state, and what is done to it.

import { resolve } from "node:path";

import { catalogNames } from "../core/catalog-file";
import { readCatalogSources } from "../system/catalog-source";
import { configFileOf, readConfigText, readText, tagOf, tagWith } from "./read-config";
import { makeEdit } from "./save-edits";
import { checkoutOf, inCheckout } from "./checkout";
import { locked } from "./write-config";
import { engineError, isUnknownStack, parseJson, runEngine, unknownStack } from "./engine";
import { stackError, StackError } from "./errors";
import { makeOperations } from "./operation-queue";
import type { ProjectContext } from "./project";
import { oneVolume } from "./select";
import { NO_STATE, readExport } from "./state";
import { statusesOf } from "./status";
import type { Stack, StackConfigRead, StackState } from "./types";

/** Makes the object of a stack. */
export function makeStack(name: string, context: ProjectContext): Stack {
  const { project, engine } = context;
  const configFile = configFileOf(project.configDirectory, name, context.ending);

  // The last reading: valid until an input changes. Its tag covers the stack's file and the shared files, `others` everything else.
  let last: { others: string; read: StackConfigRead } | undefined;
  const othersOf = async (): Promise<string> => {
    const { tag } = await context.settings();
    const prices = last?.read.config.pricesFile;
    const pricesText = prices === undefined ? "" : await readText(resolve(project.directory, prices)).catch(() => "");
    return [tag, pricesText].map(tagOf).join(" ");
  };
  const unchanged = (text: string | undefined, others: string): StackConfigRead | undefined => {
    if (last?.others !== others) return undefined;
    const shared = readCatalogSources(catalogNames(last.read.config), project.directory);
    return last.read.tag === tagWith(text, shared) ? last.read : undefined;
  };
  const readAnew = async (text: string | undefined, sharedTexts?: Record<string, string>): Promise<StackConfigRead> => {
    const { config: projectConfig, name: projectName, placeOf: projectPlace } = await context.settings();
    const { directory } = project;
    const ofProject = { directory, projectConfig, projectName, projectPlace };
    return readConfigText(text, configFile, { ...ofProject, env: engine.env, sharedTexts });
  };
  const read = async (text: string | undefined, sharedTexts?: Record<string, string>): Promise<StackConfigRead> =>
    (sharedTexts ? undefined : unchanged(text, await othersOf())) ?? readAnew(text, sharedTexts);
  const readConfig = async (): Promise<StackConfigRead> => {
    const text = await readText(configFile);
    const others = await othersOf();
    const made = unchanged(text, others) ?? (await readAnew(text));
    last = { others, read: made };
    return made;
  };

  // Those who ask while an answer is under way share it.
  let exporting: Promise<StackState> | undefined;
  const readState = (): Promise<StackState> => {
    exporting ??= exportState().finally(() => (exporting = undefined));
    return exporting;
  };
  const exportState = async (): Promise<StackState> => {
    const { code, stdout, stderr } = await runEngine(engine, ["stack", "export", "--stack", name]);
    if (code !== 0) {
      if (isUnknownStack(stderr)) return NO_STATE;
      throw engineError(name, "stack export", stderr || stdout, await project.stackNames());
    }
    const state = readExport(parseJson(stdout));
    if ("problem" in state) throw stackError("state-not-readable", "stack", name, { why: state.problem });
    return state;
  };

  const operations = makeOperations({ name, context, readConfig, readState });

  const refuseUnknown = async (exists: boolean): Promise<void> => {
    if (exists || (await readText(configFile)) !== undefined) return;
    throw unknownStack(name, await project.stackNames());
  };
  const checkKnown = async (): Promise<void> => {
    if ((await readText(configFile)) !== undefined) return;
    // Where the engine can't say whether it knows the stack, nothing does.
    const { exists } = await readState().catch(() => NO_STATE);
    await refuseUnknown(exists);
  };
  const { env } = engine;
  const edit = makeEdit({ name, configFile, env, read, readState, settings: () => context.settings(), refuseUnknown });

  return {
    name,
    project,
    configFile,
    readConfig,
    readState,
    checkKnown,
    edit,
    async syncCheckout({ fetch = true, done = new Set() } = {}) {
      const directory = await checkoutOf(configFile, env);
      if (done.has(directory)) return;
      done.add(directory);
      await inCheckout(configFile, env, (checkout) =>
        locked(configFile, () => (fetch ? checkout.update() : checkout.check())),
      );
    },
    plan: (edits = [], options = {}) => edit(edits, { ...options, dryRun: true }),
    async status({ refresh = false, volumes } = {}) {
      if (refresh) {
        const report = await operations.refresh({ volumes }).done;
        const [first, ...others] = report.problems;
        if (first) throw new StackError([first, ...others]);
      }
      const [config, state] = [await readConfig(), await readState()];
      await refuseUnknown(state.exists);
      const all = statusesOf(config, state);
      if (volumes === undefined) return all;
      const chosen = [...new Set(volumes)].map((each) => oneVolume(all, each, "volume"));
      const [first, ...others] = chosen.flatMap((each) => each.problem ?? []);
      if (first) throw new StackError([first, ...others]);
      return all.filter((each) => chosen.some(({ volume }) => volume === each));
    },
    apply: (options) => operations.apply(options),
    refresh: (options) => operations.refresh(options),
    operations: () => operations.list(),
    operation: (id) => operations.find(id),
    resume: (id) => Promise.resolve().then(() => operations.resume(id)),
  };
}
