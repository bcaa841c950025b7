// The status page: volumes with their status, operations live, profiles on each backend, costs, and what an edit would touch.

import { byId, draw, eventText, h, money, number, problems, settings, status } from "./parts.js";
import { ask, chosen, follow } from "./service.js";

const EVERY_MS = 4_000;
/** More rows than this make the page slow, and nobody reads them. */
const MOST_ROWS = 250;

const seen = { statuses: [], profiles: [], operations: [], tag: undefined, profilesFor: undefined, role: "read" };
const followed = new Map();
const events = new Map();

// ---- volumes ---------------------------------------------------------------------------------------------------------

function drawVolumes() {
  const { statuses, role } = seen;
  const words = ["compliant", "out-of-date", "non-compliant", "unknown"];
  const counts = words
    .map((word) => [word, statuses.filter((each) => each.status === word).length])
    .filter(([, count]) => count > 0);
  draw(byId("counts"), [counts], () =>
    statuses.length === 0
      ? "There is no volume yet."
      : counts.flatMap(([word, count], index) => [index > 0 ? " · " : "", `${number(count)} `, status(word)]),
  );
  const text = byId("volume-filter").value.trim().toLowerCase();
  const wanted = byId("status-filter").value;
  const found = statuses.filter(
    (each) =>
      (wanted === "" || each.status === wanted) &&
      (each.name.toLowerCase().includes(text) || (each.profile ?? "").toLowerCase().includes(text)),
  );
  const shown = found.slice(0, MOST_ROWS);
  byId("volumes-caption").textContent =
    found.length > shown.length
      ? `The first ${number(shown.length)} of ${number(found.length)} volumes; narrow them by name or status`
      : "Configured and existing volumes, and how they stand";
  draw(byId("volume-rows"), shown, () => shown.map(volumeRow));
  const due = statuses.filter((each) => each.status === "out-of-date" || each.status === "non-compliant");
  byId("apply-all").disabled = role === "read" || due.length === 0;
  byId("refresh").disabled = role === "read";
}

function volumeRow({
  name,
  status: word,
  causes,
  problems: wrong,
  profile,
  backend,
  sizeGiB,
  recorded,
  monthlyCost,
  verdict,
  mountPath,
}) {
  const why = [...causes.map(({ message }) => message), ...wrong.map(({ message }) => message)];
  return h(
    "tr",
    {},
    h("th", { scope: "row", title: mountPath }, name),
    h("td", {}, status(word)),
    h("td", {}, profile ?? ""),
    h("td", {}, backend ?? ""),
    h("td", { class: "number" }, number(sizeGiB ?? recorded?.sizeGiB)),
    h("td", { class: "number" }, money(monthlyCost) || "unknown"),
    h("td", {}, verdict === "none" || verdict === undefined ? "" : verdict),
    h("td", {}, [...new Set(why)].join("; ")),
  );
}

// ---- costs -----------------------------------------------------------------------------------------------------------

function drawCosts() {
  const groups = new Map();
  for (const { profile = "?", sizeGiB, recorded, monthlyCost } of seen.statuses) {
    const group = groups.get(profile) ?? { profile, volumes: 0, sizeGiB: 0, unknown: 0, sums: {} };
    group.volumes++;
    group.sizeGiB += recorded?.sizeGiB ?? sizeGiB ?? 0;
    if (monthlyCost) group.sums[monthlyCost.currency] = (group.sums[monthlyCost.currency] ?? 0) + monthlyCost.amount;
    else group.unknown++;
    groups.set(profile, group);
  }
  const all = [...groups.values()].sort((a, b) => b.volumes - a.volumes);
  const total = { profile: "All", volumes: 0, sizeGiB: 0, unknown: 0, sums: {} };
  for (const group of all) {
    for (const key of ["volumes", "sizeGiB", "unknown"]) total[key] += group[key];
    for (const [currency, amount] of Object.entries(group.sums))
      total.sums[currency] = (total.sums[currency] ?? 0) + amount;
  }
  const row = (group) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, group.profile),
      h("td", { class: "number" }, number(group.volumes)),
      h("td", { class: "number" }, number(group.sizeGiB)),
      h(
        "td",
        { class: "number" },
        Object.entries(group.sums)
          .map(([currency, amount]) => money({ amount, currency }))
          .join(" + ") || "unknown",
      ),
      h("td", { class: "number" }, group.unknown === 0 ? "" : number(group.unknown)),
    );
  draw(byId("cost-rows"), all, () => all.map(row));
  draw(byId("cost-sum"), total, () => row(total));
}

// ---- profiles --------------------------------------------------------------------------------------------------------

function drawProfiles() {
  const { profiles } = seen;
  const backends = profiles[0]?.resolutions?.map(({ backend }) => backend) ?? [];
  draw(byId("profile-head"), backends, () =>
    h(
      "tr",
      {},
      ["Profile", ...backends].map((text) => h("th", { scope: "col" }, text)),
    ),
  );
  draw(byId("profile-rows"), profiles, () => profiles.slice(0, MOST_ROWS).map(profileRow));
  draw(
    byId("edit-names"),
    profiles.map(({ name }) => name),
    () => profiles.map(({ name }) => h("option", { value: name })),
  );
}

function profileRow({ name, description, origin, lineage, volumes, problem, resolutions = [] }) {
  const used =
    volumes.length === 0 ? "no volume" : volumes.length === 1 ? "1 volume" : `${number(volumes.length)} volumes`;
  const about = [
    description,
    origin === "built-in" ? "built in" : lineage.length > 0 ? `extends ${lineage.join(", ")}` : "",
    used,
  ];
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name, h("div", { class: "profile-about" }, about.filter(Boolean).join(" · "))),
    problem
      ? h("td", { colspan: resolutions.length || 1, class: "impossible" }, problem.message)
      : resolutions.map(resolutionCell),
  );
}

function resolutionCell({ volume, problems: wrong, notes, monthlyCost }) {
  if (!volume) {
    if (wrong.every(({ code }) => code === "profile-without-backend"))
      return h("td", { class: "quiet" }, "says nothing here");
    return h("td", { class: "impossible" }, "Not possible: ", wrong.map(({ message }) => message).join("; "));
  }
  const told = notes.map(({ message }) => message);
  return h(
    "td",
    {},
    settings(volume),
    monthlyCost && h("div", { class: "cost" }, `${money(monthlyCost)} a month`),
    told.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, told.length === 1 ? "1 note" : `${told.length} notes`),
        h(
          "ul",
          {},
          told.map((text) => h("li", {}, text)),
        ),
      ),
  );
}

// ---- operations ------------------------------------------------------------------------------------------------------

function drawOperations() {
  const { operations, role } = seen;
  const isOpen = ({ state }) => state === "queued" || state === "running";
  const shown = [...operations.filter(isOpen), ...operations.filter((each) => !isOpen(each)).slice(0, 5)];
  for (const operation of shown.filter(isOpen).slice(0, 3)) followOperation(operation.id);
  const told = shown.map((operation) => [operation, events.get(operation.id)?.length ?? 0, role]);
  draw(byId("operation-list"), told, () =>
    shown.length === 0 ? h("p", { class: "quiet" }, "None is known.") : shown.map(operationPart),
  );
}

function operationPart(operation) {
  const { id, kind, state, volumes, destroy, summary, problems: wrong, createdAt, engineRunning } = operation;
  const isOpen = state === "queued" || state === "running";
  const names = [...volumes, ...destroy.map((name) => `${name} (delete)`)];
  const what =
    names.length > 8
      ? `${names.slice(0, 8).join(", ")} and ${number(names.length - 8)} more`
      : names.join(", ") || "what needs it";
  const done = Object.entries(summary ?? {})
    .filter(([kindOf]) => kindOf !== "same")
    .map(([kindOf, count]) => `${count} ${kindOf}`);
  const act = (verb) => () =>
    void said(byId("operation-said"), ask(`/v1/operations/${id}/${verb}`, { method: "POST" }).then(update));
  const lines = events.get(id) ?? [];
  return h(
    "article",
    { class: "operation", "aria-label": `${kind} ${what}` },
    h(
      "div",
      { class: "row" },
      h("h3", {}, `${kind}: ${what}`),
      h("span", { class: `status ${state}` }, state),
      h("span", { class: "quiet" }, `${new Date(createdAt).toLocaleTimeString()} ${done.join(", ")}`),
      isOpen &&
        h(
          "button",
          { type: "button", class: "writes", disabled: seen.role === "read", onclick: act("cancel") },
          "Cancel",
        ),
      ["interrupted", "failed", "cancelled"].includes(state) &&
        h(
          "button",
          { type: "button", class: "writes", disabled: seen.role === "read", onclick: act("resume") },
          "Run it again",
        ),
    ),
    state === "interrupted" &&
      h(
        "p",
        {},
        engineRunning
          ? "The service that ran it is gone; its engine still works."
          : "The service that ran it is gone, and nobody knows how it ended.",
      ),
    wrong.length > 0 && problems(wrong),
    isOpen &&
      lines.length > 0 &&
      h(
        "ol",
        { class: "events" },
        lines.slice(-40).map((event) => h("li", {}, eventText(event))),
      ),
  );
}

function followOperation(id) {
  if (followed.has(id)) return;
  events.set(id, []);
  const end = follow(
    id,
    (event) => {
      const all = events.get(id);
      if (all.at(-1)?.sequence >= event.sequence) return;
      all.push(event);
      const operation = seen.operations.find((each) => each.id === id);
      if (event.type === "state" && operation) operation.state = event.state;
      if (event.type !== "resource") byId("operation-said").textContent = eventText(event);
      drawOperations();
      if (event.type === "state" && !["queued", "running"].includes(event.state)) void update();
    },
    () => followed.delete(id),
  );
  followed.set(id, end);
}

// ---- an edit ---------------------------------------------------------------------------------------------------------

function fillEdit() {
  const profile = seen.profiles.find(({ name }) => name === byId("edit-name").value);
  if (!profile) return;
  const sections = Object.fromEntries(
    Object.entries(profile.backends).map(([backend, { section }]) => [backend, section]),
  );
  const definition = profile.definition ?? {
    ...(profile.description && { description: profile.description }),
    ...sections,
  };
  byId("edit-text").value = JSON.stringify(definition, undefined, 2);
  byId("edit-write").disabled = true;
}

async function sendEdit(dryRun) {
  const result = byId("edit-result");
  const name = byId("edit-name").value.trim();
  let definition;
  try {
    definition = JSON.parse(byId("edit-text").value || "{}");
  } catch (error) {
    result.replaceChildren(h("p", { class: "impossible" }, `This is no JSON: ${error.message}`));
    return;
  }
  byId("edit-write").disabled = true;
  try {
    const { body, tag } = await ask("/v1/configuration/profiles", {
      method: "POST",
      query: dryRun ? { dryRun: "true" } : {},
      body: { ...definition, name },
      tag: seen.tag,
    });
    result.replaceChildren(...editResult(name, body, dryRun));
    byId("edit-write").disabled = !(dryRun && body.changed);
    if (!dryRun) {
      seen.tag = tag;
      await update();
    }
  } catch (error) {
    const changed =
      error.status === 412
        ? [h("p", {}, "Somebody changed the file meanwhile. The page shows it as it is now; try again.")]
        : [];
    result.replaceChildren(
      h("p", { class: "impossible" }, "Nothing was written."),
      ...changed,
      error.errors ? problems(error.errors) : error.message,
    );
    if (error.status === 412) await update();
  }
}

function editResult(name, { changed, touched, diff, stateUnknown }, dryRun) {
  const headline = !changed
    ? "Nothing changes: the file says this already."
    : dryRun
      ? `It would touch ${touched.length === 0 ? "no volume" : touched.length === 1 ? "1 volume" : `${number(touched.length)} volumes`}. Nothing is written yet.`
      : `"${name}" is written, and not applied: ${touched.length === 0 ? "no volume has it." : "its volumes are out of date until they are applied."}`;
  const cost = (plan) =>
    [money(plan.costBefore) || "unknown", money(plan.costAfter) || "unknown"]
      .filter((text, index, all) => index === 0 || text !== all[0])
      .join(" → ");
  const rows = touched
    .slice(0, MOST_ROWS)
    .map((plan) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, plan.name),
        h("td", { class: plan.verdict === "refused" ? "refused" : "" }, plan.verdict),
        h("td", {}, [...plan.notes, ...plan.problems].map(({ message }) => message).join("; ")),
        h("td", { class: "number" }, cost(plan)),
      ),
    );
  const head = ["Volume", "Becomes", "What changes", "Monthly cost"].map((text, index) =>
    h("th", { scope: "col", class: index === 3 ? "number" : undefined }, text),
  );
  return [
    h("p", {}, h("strong", {}, headline)),
    ...(stateUnknown ? [problems([stateUnknown])] : []),
    ...(rows.length > 0
      ? [
          h(
            "div",
            { class: "scrolls", tabindex: "0", role: "region", "aria-label": "Volumes that the edit touches" },
            h(
              "table",
              {},
              h("caption", {}, "Volumes that the edit touches"),
              h("thead", {}, h("tr", {}, head)),
              h("tbody", {}, rows),
            ),
          ),
        ]
      : []),
    ...(diff ? [h("pre", { tabindex: "0", "aria-label": "Lines of the file that change" }, diff)] : []),
  ];
}

// ---- keeping up to date ----------------------------------------------------------------------------------------------

function told(error) {
  const trouble = byId("trouble");
  trouble.hidden = error === undefined;
  trouble.textContent =
    error === undefined
      ? ""
      : error.errors?.length
        ? error.errors.map(({ path, message, fix }) => `${path}: ${message} (${fix})`).join("; ")
        : `The service doesn't answer: ${error.message}`;
}

async function said(element, doing) {
  try {
    await doing;
    element.textContent = "";
  } catch (error) {
    element.textContent = error.errors?.length
      ? error.errors.map(({ message, fix }) => `${message}: ${fix}`).join("; ")
      : error.message;
  }
}

async function updateProfiles() {
  const size = byId("size");
  if (!size.checkValidity() || size.value === "") return;
  const { body, tag } = await ask("/v1/configuration/profiles", { query: { sizeGiB: size.value } });
  Object.assign(seen, { profiles: body, tag, profilesFor: `${tag} ${size.value}` });
  drawProfiles();
}

let updating;
/** Looks now: what is under way may have looked before what was just done. */
async function update() {
  await updating;
  await look();
}

function look() {
  updating ??= (async () => {
    try {
      const [states, operations] = await Promise.all([ask("/v1/state/datasets"), ask("/v1/operations")]);
      seen.statuses = states.body;
      seen.operations = operations.body;
      drawVolumes();
      drawCosts();
      drawOperations();
      if (seen.profilesFor !== `${states.tag} ${byId("size").value}`) await updateProfiles();
      byId("read-at").textContent =
        `The state was read at ${new Date(states.readAt).toLocaleTimeString()}; the file's tag is ${states.tag}.`;
      told(undefined);
    } catch (error) {
      told(error);
    } finally {
      updating = undefined;
    }
  })();
  return updating;
}

async function begin() {
  try {
    const { body } = await ask("/v1/version");
    seen.role = body.role;
    chosen.stack ??= body.stacks[0];
    byId("place").textContent =
      `${body.project}${body.stacks.length === 1 ? ` / ${body.stacks[0]}` : ""} · ${body["storage-profiles"]} · you may ${body.role}`;
    byId("stacks").hidden = body.stacks.length < 2;
    byId("stack").replaceChildren(...body.stacks.map((name) => h("option", {}, name)));
    for (const button of document.querySelectorAll("form button.main.writes")) button.disabled = body.role === "read";
  } catch (error) {
    return told(error);
  }
  await update();
  setInterval(() => void (document.visibilityState === "visible" && look()), EVERY_MS);
}

byId("stack").addEventListener("change", (event) => {
  chosen.stack = event.target.value;
  for (const end of followed.values()) end();
  followed.clear();
  seen.profilesFor = undefined;
  void update();
});
for (const id of ["volume-filter", "status-filter"]) byId(id).addEventListener("input", drawVolumes);
for (const id of ["volume-tools", "size-form"]) byId(id).addEventListener("submit", (event) => event.preventDefault());
byId("size").addEventListener("change", () => void updateProfiles().catch(told));
const beginOperation = (body) =>
  void said(byId("apply-said"), ask("/v1/operations", { method: "POST", body }).then(update));
byId("apply-all").addEventListener("click", () => beginOperation({ kind: "apply" }));
byId("refresh").addEventListener("click", () => beginOperation({ kind: "refresh" }));
byId("edit-name").addEventListener("input", fillEdit);
byId("edit-text").addEventListener("input", () => (byId("edit-write").disabled = true));
byId("edit-form").addEventListener("submit", (event) => {
  event.preventDefault();
  void sendEdit(true);
});
byId("edit-write").addEventListener("click", () => void sendEdit(false));
void begin();
