// What no run of an engine shows in a reasonable time: logins that expire, and answers that get lost. On the real Cinder, without an engine.

import { readConnection } from "../../../../components/backends/openstack/connection";
import { CinderSession } from "../../../../components/backends/openstack/session";
import { converge, type Wanted } from "../../../../components/backends/openstack/lifecycle";
import { describeOpenstack, OpenstackLab } from "../../../support/openstack";

describeOpenstack("a change on Cinder", () => {
  let lab: OpenstackLab;
  let volumeId: string;
  const session = () => new CinderSession(readConnection((key) => lab.config()[key.replace("openstack:", "")], {}));
  const change = (wanted: Partial<Wanted>, by = session()) => {
    const all: Wanted = {
      volumeId,
      sizeGiB: 1,
      volumeType: "gold",
      migrationPolicy: "never",
      timeoutMinutes: 1,
      ...wanted,
    };
    return converge(by, all, () => undefined);
  };
  const changes = async () => (await lab.changes()).filter((each) => each.includes("/volumes"));

  beforeAll(async () => {
    lab = await OpenstackLab.start();
    await lab.makeType("gold", { volume_backend_name: "fast" });
    volumeId = await lab.create({ name: "data", volume_type: "gold" });
  });
  beforeEach(() => lab.clear());
  afterEach(() => lab.act(volumeId, { "os-reset_status": { status: "available" } }));
  afterAll(() => lab.stop());

  test("goes on with a new login when the old one is no longer taken, and asks again what it could not read", async () => {
    const by = session();
    await change({}, by);
    await lab.clear();
    await lab.fail({ service: "cinder", status: 401 });
    await lab.fail({ service: "cinder", method: "GET", status: 503, times: 2 });
    expect(await change({}, by)).toEqual({ sizeGiB: 1, volumeType: "gold" });
    expect((await lab.requests("keystone")).map(({ method }) => method)).toEqual(["POST"]);
  });

  test("whose answer got lost is not sent twice: it is seen to be carried out, or the error says so, and the next run finds it done", async () => {
    await lab.fail({ service: "cinder", method: "POST", path: "/action$", lose: true });
    // Which of the two, is a matter of moments.
    const { failure } = await change({ sizeGiB: 2 });
    if (failure) {
      expect(failure).toMatchObject({ code: "interrupted" });
      expect(failure.message).toContain(`extending volume ${volumeId} from 1 to 2 GiB: the connection to`);
    }
    expect(await change({ sizeGiB: 2 })).toEqual({ sizeGiB: 2, volumeType: "gold" });
    expect((await changes()).filter((each) => each.includes("os-extend"))).toHaveLength(1);
  });

  test("is refused in Cinder's words where Cinder refuses it, and nothing else of it is lost", async () => {
    const { failure, ...has } = await change({ sizeGiB: 3, volumeType: "golld" });
    expect(failure?.message).toMatch(/retyping volume .* from "gold" to "golld": Cinder says ".*golld.*" \(40\d\)/);
    expect(has).toEqual({ sizeGiB: 3, volumeType: "gold" });
    const { failure: shrunk } = await change({ sizeGiB: 2 });
    expect(shrunk?.message).toBe(`volume ${volumeId} can't shrink from 3 GiB to 2 GiB. Set the size to 3 GiB or more.`);
  });

  test("of a volume that isn't there, or by a login that is refused, says what to do", async () => {
    const none = "11111111-2222-4333-8444-555555555555";
    await expect(change({ volumeId: none })).rejects.toThrow(
      `volume ${none} no longer exists in Cinder. Run pulumi refresh`,
    );
    const wrong = { ...lab.config(), password: "not-this-one" };
    const refused = new CinderSession(
      readConnection((key) => wrong[key.replace("openstack:", "") as keyof typeof wrong], {}),
    );
    // Once: whoever tries again for every volume locks the user out.
    await expect(change({}, refused)).rejects.toThrow('rejected the login of user "plain"');
    await expect(change({}, refused)).rejects.toThrow("rejected the login");
    expect(await lab.requests("keystone")).toHaveLength(2);
  });
});
