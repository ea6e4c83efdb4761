import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { waitFor } from "@xebec/core-async";
import type { Results } from "@xebec/platform-compare";
import { browserMissing, findBrowser, tempDir } from "@xebec/testing-launch";
import puppeteer, { type Browser } from "puppeteer-core";

const ROOT = join(import.meta.dirname, "../..");
/** A hang ends; how long it takes is not tested. */
const QUICK_MS = 1_200_000;

interface Drawn {
  /** Captions of all figures. */
  readonly captions: readonly string[];
  /** Captions of figures without a mark that has an extent and a color, where there was something to draw. */
  readonly empty: readonly string[];
  readonly tooWide: boolean;
  readonly text: string;
}

/** What a page has drawn, with everything unfolded; it runs in the browser. */
const DRAWN = `(() => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  const figures = [...document.querySelectorAll("figure")];
  const captionOf = (figure) => figure.querySelector("figcaption").textContent;
  const isDrawn = (mark) => {
    const { width, height } = mark.getBoundingClientRect();
    const { fill, stroke } = getComputedStyle(mark);
    return width > 0 && height > 2 && (fill.startsWith("rgb") || stroke.startsWith("rgb"));
  };
  const MARKS = [".mark-rect path", ".mark-line path", ".mark-symbol path"].join();
  return {
    captions: figures.map(captionOf),
    empty: figures
      .filter((figure) => !figure.textContent.includes("0 with every shape, in every repetition."))
      .filter((figure) => ![...figure.querySelectorAll(MARKS)].some(isDrawn))
      .map(captionOf),
    tooWide: document.documentElement.scrollWidth > window.innerWidth,
    text: getComputedStyle(document.body).color,
  };
})()`;

/** `xebec compare`, with its meshes in a folder of the test's own. */
function compare(args: readonly string[], temporary: string): ChildProcess {
  return spawn(process.execPath, [join(ROOT, "apps/xebec/bin/xebec.mjs"), "compare", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: temporary, NODE_COMPILE_CACHE: undefined },
  });
}

/** Processes whose run directory is in the folder. */
function processesIn(folder: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`XEBEC_HOME=${folder}/`);
    } catch {
      return false; // it has ended, or is another user's
    }
  });
}

function readResults(out: string): Results {
  return JSON.parse(readFileSync(join(out, "results.json"), "utf8")) as Results;
}

describe("xebec compare --quick", () => {
  const folder = tempDir();
  const out = folder.file("out");
  let results: Results;
  let printed = "";
  let child: ChildProcess | undefined;
  const run = async (): Promise<void> => {
    child = compare(["--quick", "--out", out], folder.path);
    const [stdout, stderr] = [text(child.stdout as never), text(child.stderr as never)];
    const [code] = await once(child, "close");
    printed = await stdout;
    assert.equal(code, 0, `${printed.slice(-2_000)}\n${(await stderr).slice(-2_000)}`);
    results = readResults(out);
  };
  before(run, { timeout: QUICK_MS });
  after(async () => {
    // One that hangs ends its meshes itself.
    if (child && child.exitCode === null && child.signalCode === null && child.kill("SIGTERM"))
      await once(child, "close");
    folder[Symbol.dispose]();
  });

  it("runs every scenario with every shape, and leaves no process behind", () => {
    assert.equal(results.complete, true);
    assert.deepEqual(results.problems, []);
    const names = ["start", "rest", "change", "traffic", "upgrade", "scale", "failure"];
    assert.deepEqual(
      results.scenarios.map(({ name }) => name),
      names,
    );
    for (const name of names)
      for (const shape of ["services", "monolith"])
        assert.ok(
          results.samples.some((each) => each.scenario === name && each.shape === shape),
          `${name}, ${shape}`,
        );
    assert.deepEqual(processesIn(folder.path), []);
  });

  it("sums up what it measured", () => {
    for (const { scenario, group, figure, shapes } of results.summaries)
      for (const [shape, summary] of Object.entries(shapes)) {
        const values = results.samples
          .filter(
            (each) =>
              each.scenario === scenario && each.group === group && each.figure === figure && each.shape === shape,
          )
          .map(({ value }) => value);
        assert.ok(values.every(Number.isFinite), `${group}: ${figure}`);
        assert.deepEqual(summary, { n: 1, median: values[0], min: values[0], max: values[0] }, `${group}: ${figure}`);
      }
    const memory = results.samples.filter((each) => each.group === "memory at rest" && each.shape === "services");
    const of = (figure: string): number => memory.find((each) => each.figure === figure)?.value ?? Number.NaN;
    const parts = ["galley", "pilot", "citadel", "sidecar-injector", "mixer-policy", "mixer-telemetry", "nats"];
    assert.ok(Math.abs(parts.reduce((sum, each) => sum + of(each), 0) - of("control plane")) < 0.01);
    const changes = results.samples.filter((each) => each.group.startsWith("from saving to effect") && each.value > 0);
    for (const shape of ["services", "monolith"])
      for (const group of [
        "from saving to effect, median",
        "from saving to effect at the last of 100 synthetic proxies, median",
      ])
        assert.deepEqual(
          changes.filter((each) => each.shape === shape && each.group === group).map(({ figure }) => figure),
          ["VirtualService", "endpoint", "Mixer rule", "PeerAuthentication"],
        );
    const monolith = results.samples.filter((each) => each.shape === "monolith").map(({ figure }) => figure);
    assert.ok(monolith.includes("istiod") && !monolith.includes("pilot"));
  });

  it("says what each process holds, and what it is made of", () => {
    const table = (title: string): Results["facts"][number] | undefined =>
      results.facts.find((each) => each.title === title);
    const held = (process: string): string =>
      table("What each process holds")
        ?.rows.find((row) => row[1] === process)
        ?.join() ?? "";
    assert.match(held("citadel"), /state\/citadel\/[^,]*\(private key\).*8060/);
    assert.match(held("pilot"), /\(key of the bus\).*15012/);
    assert.ok(!held("pilot").includes("state/citadel"), held("pilot"));
    const { columns = [], rows = [] } = table("What somebody could do who has taken over one process")?.matrix ?? {};
    const could = (label: string): number => rows.find((row) => row.label === label)?.has.filter(Boolean).length ?? 0;
    assert.equal(could("istiod (monolith)"), columns.length);
    assert.ok(could("citadel (services)") > 0 && could("citadel (services)") < columns.length);
    const cost = new Map(table("What each program is made of")?.rows.map((row) => [row[0], row]));
    const [, packages, lines, libraries, bundle, start] = cost.get("pilot") ?? [];
    for (const each of [packages, lines, libraries, bundle, start]) assert.ok(Number(each) > 0, String(each));
    assert.ok(Number(start) <= Number(bundle));
  });

  it("prints it all again, as Markdown too, without measuring", async () => {
    const child = compare(["--summary", out, "-o", "markdown"], folder.path);
    const [stdout] = [text(child.stdout as never), child.stderr?.resume()];
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    assert.match(await stdout, /^\| control plane \| [\d.]+ \| [\d.]+ \| too few repetitions \|$/m);
  });

  it("prints the table, and says that one repetition compares nothing", () => {
    assert.match(printed, /^rest: memory at rest \(MiB\)$/m);
    assert.match(printed, /too few repetitions/);
    assert.ok(!/\b(lower|higher)\b/.test(printed));
  });

  describe("the report in a browser", { skip: browserMissing() }, () => {
    let browser: Browser;
    before(async () => {
      browser = await puppeteer.launch({ executablePath: findBrowser(), args: ["--no-sandbox"] });
    });
    after(() => browser?.close());

    for (const scheme of ["light", "dark"])
      for (const width of [1_200, 360])
        it(`has every chart drawn: ${scheme}, ${width} pixels`, async () => {
          const page = await browser.newPage();
          const failed: string[] = [];
          page.on("request", (request) => !request.url().startsWith("file:") && failed.push(request.url()));
          page.on("pageerror", (error) => failed.push(String(error)));
          await page.setViewport({ width, height: 900 });
          await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
          await page.goto(pathToFileURL(join(out, "report.html")).href);
          const seen = (await page.evaluate(DRAWN)) as Drawn;
          assert.deepEqual(failed, []);
          for (const { group, unit } of results.summaries.filter((each) => !/^(kill|cut) /.test(each.group)))
            assert.ok(
              seen.captions.some((caption) => caption.toLowerCase() === `${group} (${unit})`.toLowerCase()),
              group,
            );
          for (const shape of results.shapes)
            assert.ok(seen.captions.includes(`Seconds for which a function was away, ${shape}`), shape);
          for (const fact of ["What falls with one process", "Lines of code (lines)"])
            assert.ok(seen.captions.includes(fact), fact);
          assert.deepEqual(seen.empty, []);
          assert.deepEqual([seen.tooWide, seen.text === "rgb(31, 36, 48)"], [false, scheme === "light"]);
          await page.close();
        });
  });
});

describe("a scenario of one's own, as docs/comparison.md has it", () => {
  it("runs, is ended by SIGKILL without a trace, and goes on with --resume", async () => {
    using folder = tempDir();
    const file = folder.file("mine.yaml");
    const [, example] = /^```yaml\n(.*?)^```/ms.exec(readFileSync(join(ROOT, "docs/comparison.md"), "utf8")) ?? [];
    writeFileSync(file, example ?? "");
    const args = [file, "--repeat", "1", "--out", folder.file("out")];
    const first = compare(args, folder.path);
    let said = "";
    first.stderr?.on("data", (chunk) => {
      said += chunk;
    });
    first.stdout?.resume();
    const ended = once(first, "close");
    await waitFor("the second shape's mesh runs", 300_000, () => {
      assert.equal(first.exitCode, null, said);
      const home = readdirSync(folder.path).find((name) => name.startsWith("xebec-compare-"));
      return existsSync(join(folder.path, home ?? "", "monolith/state.json"));
    });
    first.kill("SIGKILL");
    await ended;
    await waitFor("no process and no folder is left", 60_000, () => {
      return (
        processesIn(folder.path).length === 0 &&
        !readdirSync(folder.path).some((name) => name.startsWith("xebec-compare-"))
      );
    });

    const second = compare([...args, "--resume"], folder.path);
    const [out, err] = [text(second.stdout as never), text(second.stderr as never)];
    const [code] = await once(second, "close");
    assert.equal(code, 0, await err);
    assert.ok(!(await err).includes("services header-route"), "what was done is not done again");
    assert.match(await out, /route by header/);
    const { complete, samples } = readResults(folder.file("out"));
    assert.equal(complete, true);
    for (const shape of ["services", "monolith"])
      assert.ok(samples.some((each) => each.shape === shape && each.group === "from saving to effect, median"));
  });
});
