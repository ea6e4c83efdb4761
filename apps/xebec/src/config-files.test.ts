import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { idOf, ManifestText } from "./config-files.ts";

const FILE = `# The shop.
apiVersion: v1
kind: Service
metadata:   {name: a}   # odd blanks stay
---
# About b.
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: { name: b }
spec: { hosts: [b] }
---
apiVersion: v1
kind: Service
metadata: { name: c, namespace: shop }
`;
const B = { group: "networking.istio.io", kind: "VirtualService", namespace: "default", name: "b" };
const service = (name: string, namespace = "default") => ({ group: "", kind: "Service", namespace, name });
const text = (name: string, more = ""): string => `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\n${more}`;

test("objects are found with their lines", () => {
  assert.deepEqual(
    new ManifestText(FILE).objects().map(({ id, line }) => [id.name, id.namespace, line]),
    [
      ["a", "default", 2],
      ["b", "default", 7],
      ["c", "shop", 12],
    ],
  );
  assert.equal(new ManifestText(FILE).text(), FILE);
});

test("an object is replaced where it stands, in any version; the others stay to the letter", () => {
  const file = new ManifestText(FILE);
  const now =
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: b }\nspec: { hosts: [new] }\n";
  file.put(B, now);
  const [before, , after] = FILE.split("---\n");
  assert.equal(file.text(), `${before}---\n# About b.\n${now}---\n${after}`);
});

test("an object that is not there is added; one that comes with comments brings them", () => {
  const file = new ManifestText(FILE);
  file.put(service("d"), text("d"));
  assert.equal(file.text(), `${FILE}---\n${text("d")}`);
  file.put(B, `# New words.\n${text("b")}`);
  assert.ok(!file.text().includes("About b"));
  const empty = new ManifestText("");
  empty.put(service("d"), text("d"));
  assert.equal(empty.text(), text("d"));
});

test("objects are removed one by one, until the file is empty", () => {
  const file = new ManifestText(FILE);
  assert.equal(file.remove(service("c")), false);
  assert.equal(file.remove(B), true);
  const [a, , c] = FILE.split("---\n");
  assert.equal(file.text(), `${a}---\n${c}`);
  assert.equal(file.remove(service("a")), true);
  assert.equal(file.text(), c);
  assert.equal(file.isEmpty(), false);
  assert.equal(file.remove(service("c", "shop")), true);
  assert.equal(file.isEmpty(), true);
});

test("an object inside a List is replaced and removed inside it", () => {
  const list = `kind: List\napiVersion: v1\nitems:\n${["a", "b"].map((name) => `  - { apiVersion: v1, kind: Service, metadata: { name: ${name} } }\n`).join("")}`;
  const file = new ManifestText(list);
  file.put(service("b"), text("b", "spec: { type: None }\n"));
  assert.deepEqual(
    file.objects().map(({ id, value }) => [id.name, value.spec]),
    [
      ["a", undefined],
      ["b", { type: "None" }],
    ],
  );
  assert.equal(file.remove(service("a")) && file.remove(service("b")), true);
  assert.equal(file.isEmpty(), true);
});

test("what is not an object of its own between separators is changed alone, too", () => {
  const json = (name: string): string => `{"apiVersion":"v1","kind":"Service","metadata":{"name":"${name}"}}\n`;
  const stream = new ManifestText(`# head\n---\n${json("a")}${json("b")}${json("c")}---\n`);
  assert.deepEqual(
    stream.objects().map(({ id, line }) => [id.name, line]),
    [
      ["a", 3],
      ["b", 4],
      ["c", 5],
    ],
  );
  stream.put(service("b"), text("b", "spec: {}\n"));
  assert.equal(stream.remove(service("a")), true);
  assert.deepEqual(
    new ManifestText(stream.text()).objects().map(({ id }) => id.name),
    ["b", "c"],
  );
  const ended = new ManifestText(`${text("a")}...\n${text("b")}`);
  ended.put(service("a"), text("a", "spec: { type: None }\n"));
  assert.equal(ended.remove(service("b")), true);
  assert.deepEqual(
    new ManifestText(ended.text()).objects().map(({ id, value }) => [id.name, value.spec]),
    [["a", { type: "None" }]],
  );
  const twice = new ManifestText(`${text("a")}---\n${text("a")}`);
  assert.deepEqual(
    [twice.remove(service("a")), twice.remove(service("a")), twice.remove(service("a"))],
    [true, true, false],
  );
});

test("texts that look like YAML's words stay texts in a list that is changed", () => {
  const file = new ManifestText("kind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: { name: a }\n");
  const labels = { a: "yes", b: "0777", c: "n" };
  file.put(service("a"), JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "a", labels } }));
  assert.deepEqual(file.objects()[0]?.value.metadata, { name: "a", labels });
});

test("a broken document stays as it is", () => {
  const broken = `${text("a")}---\nkind: [\n---\n${text("b")}`;
  const file = new ManifestText(broken);
  file.put(service("b"), text("b", "spec: {}\n"));
  assert.equal(file.text(), `${broken}spec: {}\n`);
});

test("any text is given back to the letter, and what was put is found", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("---\n", "a: 1\n", "# c\n", "--- # x\n", "\n", text("z"))), (parts) => {
      const source = parts.join("");
      assert.equal(new ManifestText(source).text(), source);
      const file = new ManifestText(source);
      file.put(service("w"), text("w"));
      assert.ok(new ManifestText(file.text()).objects().some(({ id }) => id.name === "w"));
    }),
  );
});

test("the identity of an object leaves out the version", () => {
  assert.deepEqual(idOf({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "x" } }), {
    group: "apps",
    kind: "Deployment",
    namespace: "default",
    name: "x",
  });
  const old = { apiVersion: "extensions/v1beta1", kind: "Deployment", metadata: { name: "x" } };
  assert.equal(idOf(old)?.group, "apps");
  assert.equal(idOf({ apiVersion: "v1", kind: "Namespace", metadata: { name: "x", namespace: "y" } })?.namespace, "");
  for (const value of [null, 1, {}, { apiVersion: "v1", kind: "Pod" }]) assert.equal(idOf(value), undefined);
});
