import assert from "node:assert/strict";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { Condition } from "@xebec/model-resources";
import { Load, Mesh, reviewsTo } from "./mesh.ts";

const TOLD_MS = 5_000;
const MAX_FILE_BYTES = 10 << 20;

interface Case {
  readonly name: string;
  readonly content: string | Buffer;
  /** Of the one condition that reports it. */
  readonly object: string;
  readonly line?: number;
  readonly message: RegExp;
  readonly controller?: string;
  readonly status?: Condition["status"];
}

const header = (name: string, kind = "VirtualService"): string =>
  `apiVersion: networking.istio.io/v1alpha3\nkind: ${kind}\nmetadata: {name: ${name}}\n`;
const toReviews = (subset: string): string =>
  `spec:\n  hosts: [nowhere]\n  http:\n  - route:\n    - destination: {host: reviews, subset: ${subset}}\n`;
const virtualService = (name: string): string => `networking.istio.io/VirtualService/default/${name}`;

const CASES: readonly Case[] = [
  {
    name: "a file of more than 10 MiB",
    content: `# ${"x".repeat(MAX_FILE_BYTES)}\n${header("big")}${toReviews("v1")}`,
    object: "file/bad.yaml",
    line: 1,
    message: /bad\.yaml has \d+ bytes, more than 10485760; split it/,
  },
  {
    name: "a file that is not UTF-8",
    content: Buffer.concat([Buffer.from(header("latin")), Buffer.from([0xff, 0xfe, 0xe9, 0x0a])]),
    object: "file/bad.yaml",
    line: 1,
    message: /is not UTF-8 text; save it as UTF-8/,
  },
  {
    name: "a kind that nobody knows",
    content: `${header("odd", "VirtualServise")}${toReviews("v1")}`,
    object: "file/bad.yaml",
    line: 2,
    message: /kind: there is no kind VirtualServise in networking\.istio\.io; did you mean VirtualService\?/,
  },
  {
    name: "an unknown field",
    content: `${header("odd")}spec:\n  hosts: [nowhere]\n  htpp:\n  - route: []\n`,
    object: virtualService("odd"),
    line: 6,
    message: /spec\.htpp: unknown field; did you mean http\?/,
  },
  {
    name: "a value of the wrong type",
    content: `${header("odd")}spec:\n  hosts: [nowhere]\n  http:\n  - route:\n    - destination: {host: reviews}\n      weight: much\n`,
    object: virtualService("odd"),
    line: 9,
    message: /spec\.http\[0\]\.route\[0\]\.weight: /,
  },
  {
    name: "a text that is not YAML",
    content: `${header("odd")}spec: {hosts: [nowhere\n`,
    object: "file/bad.yaml",
    message: /is not YAML: /,
  },
  {
    name: "a value that contains itself",
    content: `${header("odd")}spec:\n  hosts: [nowhere]\n  http: &all\n  - *all\n`,
    object: "file/bad.yaml",
    line: 7,
    message: /the anchor &all holds itself/,
  },
  {
    name: "aliases that multiply",
    content: `${header("odd")}spec:\n  a: &a [${"x,".repeat(50)}]\n  b: &b [${"*a,".repeat(50)}]\n  c: [${"*b,".repeat(50)}]\n`,
    object: "file/bad.yaml",
    message: /[Aa]lias/,
  },
  {
    name: "a VirtualService whose destination does not exist",
    content: `${header("odd")}spec:\n  hosts: [nowhere]\n  http:\n  - route:\n    - destination: {host: nobody}\n`,
    object: virtualService("odd"),
    message: /spec\.http\[0\]\.route\[0\]\.destination\.host: no service nobody\.default\.svc\.cluster\.local/,
    controller: "pilot",
    status: "True",
  },
  {
    name: "a VirtualService whose subset does not exist",
    content: `${header("odd")}${toReviews("v9")}`,
    object: virtualService("odd"),
    message: /destination\.subset: no DestinationRule for reviews\.default\.svc\.cluster\.local defines the subset v9/,
    controller: "pilot",
    status: "True",
  },
  {
    name: "a VirtualService whose Gateway does not exist",
    content: `${header("odd")}spec:\n  hosts: ["*"]\n  gateways: [nowhere]\n  http:\n  - route:\n    - destination: {host: reviews}\n`,
    object: virtualService("odd"),
    message: /no Gateway default\/nowhere; create it or name another in spec\.gateways/,
    controller: "pilot",
    status: "False",
  },
  {
    name: "a DestinationRule whose host does not exist",
    content: `${header("odd", "DestinationRule")}spec: {host: nobody}\n`,
    object: "networking.istio.io/DestinationRule/default/odd",
    message: /spec\.host: no service nobody\.default\.svc\.cluster\.local/,
    controller: "pilot",
    status: "False",
  },
];

describe("bad input on a mesh that runs", () => {
  let mesh: Mesh;
  let healthy: string;
  before(async () => {
    mesh = await Mesh.start();
    mesh.copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await waitFor("version 1", TOLD_MS, async () => (await mesh.reviewsVersion()) === "v1");
    healthy = await waitFor("every object has a condition of pilot too", TOLD_MS, async () => {
      const all = await mesh.conditions();
      const routing = all.filter((each) => each.object.startsWith("networking.istio.io/"));
      const attached = new Set(routing.filter((each) => each.controller === "pilot").map((each) => each.object));
      return (
        attached.has(virtualService("reviews")) && routing.every((each) => attached.has(each.object)) && shape(all)
      );
    });
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  /** Everything is as it was before the bad input. */
  async function unharmed(load: Load): Promise<void> {
    await load.more(10);
    assert.equal(await mesh.reviewsVersion(), "v1");
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
    let reported = "";
    await waitFor("the conditions are as before", TOLD_MS, async () => {
      reported = shape(await mesh.conditions());
      return reported === healthy;
    }).catch((error: Error) => {
      throw new Error(`${error.message}; reported is ${reported}`, { cause: error });
    });
  }

  for (const { name, content, object, line, message, controller = "galley", status = "False" } of CASES)
    it(`reports ${name} once, with place and reason, and goes on`, async () => {
      await using load = new Load(mesh);
      await load.more(10);
      writeFileSync(join(mesh.configDir, "bad.yaml"), content);
      const about = async (): Promise<Condition[]> =>
        (await mesh.conditions()).filter((each) => each.object === object && each.message !== "");
      const reported = await waitFor("it is reported", TOLD_MS, async () =>
        (await about()).find((each) => message.test(each.message)),
      ).catch(async (error: Error) => {
        throw new Error(`${error.message}; reported is ${JSON.stringify(await mesh.conditions(), undefined, 1)}`);
      });
      assert.deepEqual([reported.controller, reported.status], [controller, status]);
      if (controller === "galley") assert.equal(reported.source && basename(reported.source), "bad.yaml");
      if (line !== undefined) assert.equal(reported.line, line);
      assert.equal((await about()).length, 1, JSON.stringify(await about()));
      const shown = (await mesh.xebec(["status"])).out.split("\n").filter((each) => each.startsWith("bad.yaml"));
      assert.equal(shown.length, 1, `xebec status shows it once:\n${shown.join("\n")}`);
      assert.match(shown[0] ?? "", message);
      assert.match(shown[0] ?? "", /^bad\.yaml:\d+ /);
      await load.more(10);
      mesh.remove("bad.yaml");
      await unharmed(load);
    });

  it("reports a name that two files define, and uses the first", async () => {
    await using load = new Load(mesh);
    await load.more(10);
    mesh.save("twice.yaml", reviewsTo("v3"));
    const reported = await waitFor("it is reported", TOLD_MS, async () =>
      (await mesh.conditions()).find((each) => each.object === "file/twice.yaml" && each.status === "False"),
    );
    assert.match(reported.message, /VirtualService default\/reviews is defined in routes\.yaml already/);
    assert.equal(reported.source, "twice.yaml");
    await load.more(10);
    assert.equal(await mesh.reviewsVersion(), "v1");
    mesh.remove("twice.yaml");
    await unharmed(load);
  });

  it("keeps what a file had while it is saved half-way", async () => {
    await using load = new Load(mesh);
    await load.more(10);
    const path = join(mesh.configDir, "routes.yaml");
    const whole = reviewsTo("v1");
    const cut = whole.indexOf("subset");
    writeFileSync(path, whole.slice(0, cut));
    const reported = await waitFor("the half is reported", TOLD_MS, async () =>
      (await mesh.conditions()).find((each) => each.object === "file/routes.yaml"),
    );
    assert.match(reported.message, /is not YAML/);
    for (let i = 0; i < 10; i++) assert.equal(await mesh.reviewsVersion(), "v1");
    appendFileSync(path, whole.slice(cut));
    mesh.copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await unharmed(load);
  });

  it("reports that its directory is gone, withdraws nothing, and says nothing more when it is back", async () => {
    await using load = new Load(mesh);
    await load.more(10);
    renameSync(mesh.configDir, `${mesh.configDir}-away`);
    try {
      const reported = await waitFor("it is reported", 2 * TOLD_MS, async () =>
        (await mesh.conditions()).find((each) => each.status === "False"),
      );
      assert.match(reported.message, /the folder .* cannot be read; create it or choose another one/);
      await load.more(20);
    } finally {
      renameSync(`${mesh.configDir}-away`, mesh.configDir);
    }
    await unharmed(load);
  });
});

/** The conditions, without times and generations. */
function shape(conditions: readonly Condition[]): string {
  return conditions
    .map((each) => [each.object, each.controller, each.status, each.reason, each.message].join(" "))
    .sort()
    .join("\n");
}
