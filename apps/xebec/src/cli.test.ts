import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

const MAIN = join(import.meta.dirname, "main.ts");

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function home(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "xebec-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Runs the command line with a run directory of its own. */
function xebec(dir: string, args: readonly string[], input = ""): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, XEBEC_HOME: dir } });
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes) => {
    out += bytes;
  });
  child.stderr.on("data", (bytes) => {
    err += bytes;
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}

test("usage errors are one sentence and exit code 2", async (t) => {
  const dir = await home(t);
  for (const args of [
    ["nonsense"],
    ["up", "--ingress-port", "x"],
    ["run", "nobody"],
    ["status", "-o", "xml"],
    ["up", "--config", "/none"],
  ]) {
    const { code, err } = await xebec(dir, args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, /^xebec: [^\n]+\n$/);
  }
});

test("without a mesh, status and check fail with one sentence, and down has nothing to do", async (t) => {
  const dir = await home(t);
  const status = await xebec(dir, ["status"]);
  assert.deepEqual([status.code, status.err], [1, 'xebec: no mesh runs here; start one with "xebec up"\n']);
  const check = await xebec(dir, ["check", "-o", "json"]);
  assert.equal(check.code, 1);
  assert.deepEqual(JSON.parse(check.out), [
    {
      id: "supervisor",
      description: "answer on its socket",
      ok: false,
      severity: "error",
      hint: 'no mesh runs here; start one with "xebec up"',
    },
  ]);
  assert.deepEqual(await xebec(dir, ["down"]), { code: 0, out: "no mesh ran here\n", err: "" });
});

test("a taken ingress port is refused before anything is written", async (t) => {
  const dir = await home(t);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const { code, err } = await xebec(dir, ["up", "--ingress-port", String(port), "--address-block", "198"]);
  assert.equal(code, 2);
  assert.match(err, new RegExp(`^xebec: port ${port} on 127\\.0\\.0\\.1 is taken: .*--ingress-port\\n$`));
  assert.deepEqual(await readdir(dir), []);
});

const rule = (weight: string): string => `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
    - route: [{ destination: { host: reviews }, weight: ${weight} }]
`;

test("apply, get and delete work on the directory when no mesh runs; nothing is written when one object is refused", async (t) => {
  const dir = await home(t);
  const file = join(dir, "config/virtualservice-reviews.yaml");
  const created = await xebec(dir, ["apply", "-f", "-"], rule("100"));
  assert.deepEqual(created, { code: 0, out: "virtualservice.networking.istio.io/reviews created\n", err: "" });
  await writeFile(file, `# Mine.\n${rule("100")}---\n# Somebody else's.\na: 1\n`);
  const changed = await xebec(dir, ["apply", "-f", "-"], rule("99"));
  assert.match(changed.out, /reviews configured/);
  assert.equal(await readFile(file, "utf8"), `# Mine.\n${rule("99")}---\n# Somebody else's.\na: 1\n`);
  const same = await xebec(dir, ["apply", "-f", "-"], rule("99"));
  assert.match(same.out, /reviews unchanged/);
  const other = rule("1").replace("name: reviews", "name: other");
  const refused = await xebec(dir, ["apply", "-f", "-"], `${other}---\n${rule("many")}`);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /standard input:15: spec\.http\[0\]\.route\[0\]\.weight: /);
  assert.deepEqual(await readdir(join(dir, "config")), ["virtualservice-reviews.yaml"]);
  const got = await xebec(dir, ["get", "vs", "reviews", "-o", "json"]);
  assert.equal(JSON.parse(got.out).spec.http[0].route[0].weight, 99);
  assert.equal(JSON.parse(got.out).metadata.namespace, "default");
  assert.deepEqual(JSON.parse(got.out).status, {
    ...{ conditions: [], state: "-", file: "virtualservice-reviews.yaml:2", remarks: [] },
  });
  // What get prints can be applied again.
  const again = await xebec(dir, ["apply", "-f", "-"], (await xebec(dir, ["get", "vs", "-o", "yaml"])).out);
  assert.equal(again.code, 0, again.err);
  const elsewhere = await xebec(dir, ["get", "vs", "-n", "other"]);
  assert.match(elsewhere.out, /^no vs found in namespace other in /);
  const gone = await xebec(dir, ["delete", "-f", "-"], rule("99"));
  assert.equal(gone.out, 'virtualservice.networking.istio.io "reviews" deleted\n');
  assert.equal((await xebec(dir, ["delete", "-f", "-"], rule("99"))).code, 1);
  assert.equal((await xebec(dir, ["delete", "--ignore-not-found", "-f", "-"], rule("99"))).code, 0);
});

test("apply warns of what can never match, and writes it", async (t) => {
  const dir = await home(t);
  const route = "route: [{destination: {host: a}}]";
  const text = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - ${route}\n  - ${route}\n`;
  const { code, out, err } = await xebec(dir, ["apply", "-f", "-"], text);
  assert.equal(code, 0);
  assert.match(out, /virtualservice\S*\/a created/);
  assert.match(err, /^Warning: standard input:8: spec\.http\[1\]: is never used/m);
});

test("apply reports what is not supported here", async (t) => {
  const dir = await home(t);
  const text = "apiVersion: apps/v1\nkind: Deploymnt\nmetadata: { name: web }\n";
  const { code, out, err } = await xebec(dir, ["apply", "-f", "-"], text);
  assert.deepEqual([code, out], [0, "deploymnt.apps/web created\n"]);
  assert.match(err, /^xebec: standard input:1: kind Deploymnt .* is ignored: .*; did you mean Deployment\?\n$/);
  const contaners =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { template: { spec: { contaners: [] } } }\n";
  const refused = await xebec(dir, ["apply", "-f", "-"], contaners);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /containers must have a container[\s\S]*did you mean containers\?/);
});

test("run passes flags and exit codes through", async (t) => {
  const dir = await home(t);
  const help = await xebec(dir, ["run", "citadel", "--help"]);
  assert.equal(help.code, 0);
  assert.match(help.out, /--self-signed-ca/);
  const invalid = await xebec(dir, ["run", "citadel", "--grpc-port", "many"]);
  assert.equal(invalid.code, 2);
});

test("what is wrong with the flags of a service is one line that names the flag", async (t) => {
  const dir = await home(t);
  const none = join(dir, "none");
  for (const [args, message] of [
    [["pilot", "--grpcAddr", "foo"], '--grpcAddr: "foo" is not an address'],
    [["pilot", "--configDir", none], `--configDir: there is no directory "${none}"`],
    [["galley", "--configPath", none], `--configPath: there is no directory "${none}"`],
    [["galley", "--busURL", "foo"], '--busURL: "foo" is not a server'],
    [["galley", "--busURL", "nats://127.0.0.1:1", "--busSeedFile", none], `the bus key ${none} cannot be read`],
    [["citadel", "--grpc-port", "99999"], "--grpc-port: 99999 is not a port"],
    [["mixer-policy", "--secureAddr", "zz"], '--secureAddr: "zz" is not an address'],
    [["mixer-telemetry", "--configStoreURL", `fs://${none}`], `--configStoreURL: there is no directory "${none}"`],
  ] as const) {
    const { code, err } = await xebec(dir, ["run", ...args]);
    assert.equal(code, 2, err);
    assert.ok(err.startsWith(`${args[0]}: ${message}`), err);
    assert.equal(err.trimEnd().split("\n").length, 1, err);
  }
});

test("ca token signs with the key of citadel's directory", async (t) => {
  const dir = await home(t);
  const args = ["ca", "token", "--namespace", "shop", "--service-account", "web", "--storage-dir", dir];
  const { code, out } = await xebec(dir, args);
  assert.equal(code, 0);
  const claims = JSON.parse(Buffer.from(out.split(".")[1] ?? "", "base64url").toString("utf8"));
  assert.equal(claims.sub, "system:serviceaccount:shop:web");
});

test("what a file or an argument says does nothing to a terminal", async (t) => {
  const dir = await home(t);
  const file = join(dir, "bad.yaml");
  await writeFile(
    file,
    'apiVersion: networking.istio.io/v1\nkind: "X\\e[2J\\u009b31m"\nmetadata: {name: "\\e]0;x\\a"}\n',
  );
  for (const args of [["apply", "-f", file], ["no\u001b[2Jcommand"], ["apply", "-f", join(dir, "\u001b[2J\u009b")]]) {
    const { out, err } = await xebec(dir, args);
    assert.match(out + err, /\\u001b/, args.join(" "));
    assert.doesNotMatch(out + err, /(?![\n\t])[\p{Cc}]/u, args.join(" "));
  }
});

const MIXER = (kind: string, name: string, spec: string): string =>
  `apiVersion: config.istio.io/v1alpha2\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n---\n`;

test("apply checks objects of Mixer together, in whatever order they stand, and with those that are there", async (t) => {
  const dir = await home(t);
  const rule = MIXER("rule", "r", "{match: 'my.size > 5', actions: [{handler: deny, instances: [nothing]}]}");
  const unknown = await xebec(dir, ["apply", "-f", "-"], rule);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /standard input:4: spec\.match: line 1, column 1: unknown attribute my\.size/);
  const manifest = MIXER("attributemanifest", "m", "{attributes: {my.size: {valueType: INT64}}}");
  const early = await xebec(dir, ["apply", "-f", "-"], rule + manifest);
  assert.deepEqual(
    [early.code, early.out],
    [0, "rule.config.istio.io/r created\nattributemanifest.config.istio.io/m created\n"],
  );
  assert.match(
    early.err,
    /^Warning: standard input:4: spec\.actions\[0\]\.handler: there is no handler "deny" \(seen from namespace default\); until that changes, this part of the rule has no effect\n$/,
  );
  const rest = MIXER("handler", "deny", "{compiledAdapter: denier}") + MIXER("checknothing", "nothing", "{}");
  const whole = await xebec(
    dir,
    ["apply", "-f", "-"],
    rule.replace("[nothing]", "[nothing.checknothing]").replace("> 5", "> 6") + rest,
  );
  assert.deepEqual([whole.code, whole.err], [0, ""]);
});

test("apply refuses what Mixer's services would refuse, with its line, and writes nothing", async (t) => {
  const dir = await home(t);
  const wrong = `apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: h}
spec:
  compiledAdapter: memquota
  params:
    quotas:
      - name: a.quota.ns
        maxAmount: lots
`;
  const { code, out, err } = await xebec(
    dir,
    ["apply", "-f", "-"],
    MIXER("handler", "good", "{compiledAdapter: denier}") + wrong,
  );
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /standard input:14: spec\.params\.quotas\[0\]\.maxAmount: must be an integer, not "lots"/);
  assert.doesNotMatch((await xebec(dir, ["get", "handlers"])).out, /good/);
});

test("analyze finds what is missing in files, with istioctl's words and exit codes", async (t) => {
  const dir = await home(t);
  const file = join(dir, "web.yaml");
  await writeFile(
    file,
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - route: [{destination: {host: nobody}}]
  - rout: []
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - route: [{destination: {host: nobody}}]
  - route: [{destination: {host: nobody}}]
`,
  );
  const analyze = (...args: string[]): Promise<Ended> => xebec(dir, ["analyze", "--use-kube=false", ...args]);
  const found = await analyze(file);
  assert.deepEqual(
    found.out.split("\n").map((line) => line.replace(file, "FILE")),
    [
      "Warning [IST0130] (VirtualService web.default FILE:17) spec.http.1 is never used: rule 0 before it takes everything",
      'Error [IST0101] (VirtualService web.default FILE:16) the host "nobody" is not found',
      'Error [IST0101] (VirtualService web.default FILE:17) the host "nobody" is not found',
      "",
    ],
  );
  assert.equal(found.code, 79);
  const other = await analyze(file, "-n", "other");
  assert.deepEqual([other.code, other.out], [0, ""]);
  assert.match(other.err, /No validation issues found when analyzing namespace: other/);
  const json = await analyze(file, "-o", "json", "--output-threshold", "error");
  assert.deepEqual(
    (JSON.parse(json.out) as { code: string; origin: string }[]).map(({ code, origin }) => [code, origin]),
    [
      ["IST0101", "VirtualService web.default"],
      ["IST0101", "VirtualService web.default"],
    ],
  );
  await writeFile(file, "kind: [");
  assert.equal((await analyze(file)).code, 65);
  assert.equal((await analyze()).code, 2);
  assert.equal((await analyze(file, "--failure-threshold", "grave")).code, 2);
});

test("a request is explained offline, from objects and manifests alone", async (t) => {
  const dir = await home(t);
  const samples = join(import.meta.dirname, "../../../deploy/samples/bookinfo");
  const files = [
    "platform",
    "networking/destination-rule-all.yaml",
    "networking/virtual-service-reviews-jason-v2.yaml",
  ];
  const config = files.flatMap((file) => ["--config", join(samples, file)]);
  const explain = (...args: string[]): Promise<Ended> =>
    xebec(dir, ["explain", "request", "--offline", ...config, "--from", "productpage-v1", "-o", "json", ...args]);
  const { code, out, err } = await explain("--to", "reviews:9080", "-H", "end-user: jason");
  assert.equal(code, 0, err);
  const outcome = JSON.parse(out) as { passes: boolean; reason: string; clusters: { name: string }[] };
  assert.deepEqual(
    [outcome.passes, outcome.reason, outcome.clusters[0]?.name],
    [
      true,
      "reviews-v2-0.default passes the request to its application",
      "outbound|9080|v2|reviews.default.svc.cluster.local",
    ],
  );
  const node = join(dir, "node.json");
  await writeFile(node, JSON.stringify({ node: { id: "sidecar~10.9.9.9~x.default~default.svc.cluster.local" } }));
  const clusters = await xebec(dir, ["pc", "c", "--offline", ...config, "--proxy", node, "--fqdn", "reviews"]);
  assert.match(clusters.out, /^reviews\.default\.svc\.cluster\.local +9080 +v2 +outbound +EDS +reviews\.default$/m);
  assert.equal((await explain("--to", "reviews:9080", "--from", "nobody")).code, 1);
});
