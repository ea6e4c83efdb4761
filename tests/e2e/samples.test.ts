// The lessons of deploy/samples, on one mesh: their commands do what their pages say.
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { type LessonMesh, LessonShell, stepsOf } from "./lesson-page.ts";
import { Mesh } from "./mesh.ts";

const SAMPLES = join(import.meta.dirname, "../../deploy/samples");
/** In an order in which those come first that others build upon. */
const LESSONS = [
  ...[
    "sleep",
    "httpbin",
    "helloworld",
    "tcp-echo",
    "mirroring",
    "fault-injection",
    "circuit-breaking",
    "authorization",
  ],
  ...["jwt", "secure-ingress", "external", "egress-gateway", "locality"],
];
/** What lessons need, from the beginning: their own commands find it there. */
const THERE = ["sleep/sleep", "httpbin/httpbin", "helloworld/helloworld", "tcp-echo/tcp-echo"];
const INJECTED = `apiVersion: v1
kind: Namespace
metadata: { name: default, labels: { istio-injection: enabled } }
`;

describe("the lessons", () => {
  const folder = tempDir();
  const at = folder.file("lessons");
  let mesh: Mesh;
  let seen: LessonMesh;
  before(async () => {
    mesh = await Mesh.start({
      base: ["platform/ingress-gateway.yaml"],
      prepare: (each) => {
        each.save("default.yaml", INJECTED);
        for (const file of THERE)
          each.save(`${file.replace("/", "-")}.yaml`, readFileSync(join(SAMPLES, `${file}.yaml`), "utf8"));
      },
    });
    await waitFor("the mesh is well", 90_000, async () => (await mesh.xebec(["check"])).code === 0, 200);
    mkdirSync(at);
    for (const [name, target] of LessonShell.links) symlinkSync(target, join(at, name));
    const { port } = new URL((await mesh.status()).secureIngress);
    seen = {
      ...{ runDir: mesh.runDir, ingressPort: mesh.ingressPort, secureIngressPort: Number(port) },
      addressBlock: mesh.addressBlock,
    };
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
    folder.remove();
  });

  const applied = new Set<string>();
  /** Lessons begin with servers that other lessons have, too: each is applied once. */
  const isThere = (command: string): boolean => {
    const [, files = ""] = /^npx xebec apply((?: -f \S+)+)$/.exec(command) ?? [];
    const list = files.split(" -f ").slice(1);
    const isAgain = list.length > 0 && list.every((file) => applied.has(file));
    for (const file of list) if (THERE.some((each) => file.endsWith(`/${each}.yaml`))) applied.add(file);
    return isAgain;
  };
  for (const lesson of LESSONS)
    it(lesson, async () => {
      const shell = new LessonShell(seen, at);
      for (const step of stepsOf(readFileSync(join(SAMPLES, lesson, "README.md"), "utf8")))
        if (!isThere(step.command)) await shell.run(step);
    });
});
