import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "./parse-manifests.ts";

const deployment = (apiVersion: string, more = ""): string =>
  `apiVersion: ${apiVersion}
kind: Deployment
metadata: {name: web}
spec:
${more}  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, command: [web]}]}
`;
const service = (port: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [${port}]}\n`;

test("Deployments of every version that was ever there are read", () => {
  for (const version of ["apps/v1", "apps/v1beta2", "apps/v1beta1", "extensions/v1beta1"]) {
    const { objects, errors, unsupported } = parseManifests(deployment(version, "  replicas: 2\n"));
    assert.deepEqual([errors, unsupported], [[], []], version);
    assert.equal(objects[0]?.kind === "Deployment" && objects[0].replicas, 2);
  }
  const rollback = "  rollbackTo: {revision: 1}\n";
  assert.deepEqual(parseManifests(deployment("extensions/v1beta1", rollback)).unsupported, []);
  assert.equal(parseManifests(deployment("apps/v1", rollback)).unsupported.length, 1);
});

const INVALID: readonly [string, string, RegExp][] = [
  [
    "a misspelt version",
    deployment("apps/v1beat1"),
    /^apiVersion: Deployment has no version apps\/v1beat1; did you mean apps\/v1beta1\?$/,
  ],
  ["a version of another group", deployment("v1"), /Deployment has no version v1; write apps\/v1$/],
  ["a version that is not there yet", deployment("apps/v2"), /did you mean apps\/v1\?|write apps\/v1$/],
  [
    "a service's misspelt version",
    service("{port: 80}").replace("v1", "v1beat1"),
    /Service has no version v1beat1; write v1$/,
  ],
  [
    "a selector of other pods",
    deployment("apps/v1", "  selector: {matchLabels: {app: other}}\n"),
    /spec\.selector\.matchLabels\.app does not match/,
  ],
  [
    "a label that is not a string",
    deployment("apps/v1").replace("app: web}}", "app: web, version: 1}}"),
    /template\.metadata\.labels: version must be a string, not 1; quote it/,
  ],
  [
    "a variable that is not a string",
    deployment("apps/v1").replace("command: [web]", "env: [{name: A, value: yes}]"),
    /env\[0\]\.value must be a string, not true; quote it/,
  ],
];
for (const [name, text, message] of INVALID)
  test(`refused with what to write: ${name}`, () => {
    const { objects, errors } = parseManifests(text);
    assert.deepEqual([objects.length, errors.length], [0, 1]);
    assert.match(errors[0]?.message ?? "", message);
  });

const LEFT_OUT: readonly [string, string, RegExp][] = [
  [
    "a port's field",
    service("{port: 80, tagetPort: 8080}"),
    /^spec\.ports\[0\]\.tagetPort is ignored: .* did you mean targetPort\?$/,
  ],
  [
    "a service's field",
    service("{port: 80}").replace("spec: {", "spec: {selectr: {a: b}, "),
    /^spec\.selectr .* did you mean selector\?$/,
  ],
  [
    "a field of the metadata",
    service("{port: 80}").replace("name: web", "name: web, lables: {a: b}"),
    /^metadata\.lables .* did you mean labels\?$/,
  ],
  [
    "a container's port",
    deployment("apps/v1").replace("command: [web]", "ports: [{containrPort: 80}]"),
    /ports\[0\]\.containrPort .* did you mean containerPort\?$/,
  ],
  [
    "a field of a map",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndatas: {a: b}\n",
    /^datas .* did you mean data\?$/,
  ],
  [
    "an Ingress of long ago",
    "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n",
    /^kind Ingress \(extensions\/v1beta1\) is ignored: .* write a Gateway and a VirtualService/,
  ],
  [
    "an Ingress of today",
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\n",
    /^kind Ingress \(networking\.k8s\.io\/v1\) is ignored: .* write a Gateway/,
  ],
  ["a StatefulSet", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\n", /write a Deployment of apps\/v1$/],
  [
    "somebody else's kind of the same name",
    "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n",
    /^kind Service \(serving\.knative\.dev\/v1\) is ignored/,
  ],
];
for (const [name, text, message] of LEFT_OUT)
  test(`reported with what was meant: ${name}`, () => {
    const { errors, unsupported } = parseManifests(text);
    assert.deepEqual([errors.length, unsupported.length], [0, 1], JSON.stringify([errors, unsupported]));
    assert.match(unsupported[0]?.message ?? "", message);
  });
