import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

const MAIN = join(import.meta.dirname, "main.ts");

function apply(home: string, input: string): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, XEBEC_HOME: home };
    const child = spawn(process.execPath, [MAIN, "apply", "-f", "-"], { env, stdio: ["pipe", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (err += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
    child.stdin.end(input);
  });
}

async function home(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "xebec-published-"));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

const HEADER = "# Copyright of somebody\n#\n#   Under some licence.\n\n";
const BOX = `${"#".repeat(80)}\n# Books\n${"#".repeat(80)}\n`;

/** A service with its account and its versions, in the form that files have in which Istio publishes its samples. */
function application(name: string, deployment: string, selector: boolean): string {
  const version = (v: string): string => `---
apiVersion: ${deployment}
kind: Deployment
metadata:
  name: ${name}-${v}
  labels:
    app: ${name}
    version: ${v}
spec:
  replicas: 1
${selector ? `  selector:\n    matchLabels:\n      app: ${name}\n      version: ${v}\n` : ""}  template:
    metadata:
      labels:
        app: ${name}
        version: ${v}
    spec:
      serviceAccountName: bookshop-${name}
      containers:
      - name: ${name}
        image: docker.io/bookshop/${name}-${v}:1.0
        imagePullPolicy: IfNotPresent
        env:
        - name: LOG_DIR
          value: "/tmp/logs"
        ports:
        - containerPort: 9080
        volumeMounts:
        - name: tmp
          mountPath: /tmp
      volumes:
      - name: tmp
        emptyDir: {}
`;
  return `${BOX}apiVersion: v1
kind: Service
metadata:
  name: ${name}
  labels:
    app: ${name}
    service: ${name}
spec:
  ports:
  - port: 9080
    name: http
  selector:
    app: ${name}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: bookshop-${name}
${version("v1")}${version("v2")}---\n`;
}

const ROUTES = (version: string): string => `${HEADER}apiVersion: networking.istio.io/${version}
kind: Gateway
metadata:
  name: bookshop
spec:
  selector:
    istio: ingressgateway # the gateway that is there
  servers:
  - port:
      number: 8080
      name: http
      protocol: HTTP
    hosts:
    - "*"
---
apiVersion: networking.istio.io/${version}
kind: VirtualService
metadata:
  name: bookshop
spec:
  hosts:
  - "*"
  gateways:
  - bookshop
  http:
  - match:
    - uri:
        exact: /page
    - uri:
        prefix: /static
    route:
    - destination:
        host: page
        port:
          number: 9080
---
apiVersion: networking.istio.io/${version}
kind: DestinationRule
metadata:
  name: page
spec:
  host: page
  subsets:
  - name: v1
    labels:
      version: v1
---
apiVersion: networking.istio.io/${version}
kind: VirtualService
metadata:
  name: page
spec:
  hosts:
  - page
  http:
  - fault:
      delay:
        percentage:
          value: 100
        fixedDelay: 7s
    match:
    - headers:
        end-user:
          exact: jason
    route:
    - destination:
        host: page
        subset: v1
  - route:
    - destination:
        host: page
        subset: v1
---
`;

const FILES: readonly [string, string, number][] = [
  ["an application of today", `${HEADER}${application("page", "apps/v1", true)}`, 4],
  ["an application of Istio 1.1's time", `${HEADER}---\n${application("page", "extensions/v1beta1", false)}`, 4],
  [
    "one with comments between separators",
    `${application("a", "apps/v1beta1", false)}# nothing\n---\n---\n${application("b", "apps/v1beta2", true)}`,
    8,
  ],
  ["routes of today", ROUTES("v1"), 4],
  ["routes of Istio 1.1's time", ROUTES("v1alpha3"), 4],
];
for (const [name, text, count] of FILES)
  test(`applied without an edit, and silently: ${name}`, async (t) => {
    const { code, out, err } = await apply(await home(t), text);
    assert.equal(err.replaceAll(/^xebec: .* has no effect.*\n/gm, ""), "");
    assert.equal(code, 0);
    assert.equal(out.match(/ created$/gm)?.length, count, out);
  });

test("what is not supported is said to be that, once, and nothing is written", async (t) => {
  const dir = await home(t);
  const quota = "apiVersion: config.istio.io/v1alpha2\nkind: apigee\nmetadata: {name: quota}\nspec: {}\n";
  const { code, err } = await apply(dir, `${ROUTES("v1")}${quota}`);
  assert.equal(code, 2);
  assert.match(
    err,
    /nothing was written\n {2}standard input:\d+: kind: apigee of config\.istio\.io is not supported by this version; this adapter is not built in\n$/,
  );
  const ingress = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: gateway}\nspec: {}\n";
  const other = await apply(dir, ingress);
  assert.match(other.err, /kind Ingress \(extensions\/v1beta1\) is ignored: .*write a Gateway and a VirtualService/);
});
