import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import type { XebecError } from "@xebec/core-errors";
import { tempDir } from "@xebec/testing-launch";
import { createDirectoryWatcher, type DirectoryWatcherOptions } from "./index.ts";

interface Seen {
  readonly files: Map<string, string>;
  readonly events: string[];
  readonly errors: [string, XebecError][];
  missing(): readonly string[];
}

async function watching(
  root: string,
  work: (seen: Seen) => Promise<void>,
  options: Partial<DirectoryWatcherOptions> = {},
): Promise<void> {
  const files = new Map<string, string>();
  const events: string[] = [];
  const errors: [string, XebecError][] = [];
  const short = (path: string): string => path.slice(root.length + 1);
  const watcher = createDirectoryWatcher({
    root,
    rescanMs: 60_000,
    handlers: {
      file(path, content) {
        files.set(short(path), content.toString());
        events.push(`file ${short(path)}`);
      },
      removed(path) {
        files.delete(short(path));
        events.push(`removed ${short(path)}`);
      },
      failed: (path, error) => errors.push([short(path), error]),
      recovered: (path) => events.push(`recovered ${short(path)}`),
      synced: () => events.push("synced"),
    },
    ...options,
  });
  await watcher.start(new AbortController().signal);
  try {
    await work({ files, events, errors, missing: () => watcher.missing?.() ?? [] });
  } finally {
    await watcher.close?.();
  }
}

test("what is there is reported first, then synced, then changes, new files, removals", async () => {
  using folder = tempDir();
  writeFileSync(folder.file("a.yaml"), "a: 1");
  writeFileSync(folder.file("notes.txt"), "no");
  writeFileSync(folder.file(".hidden.yaml"), "no");
  mkdirSync(folder.file("sub/deep"), { recursive: true });
  writeFileSync(folder.file("sub/deep/b.yml"), "b: 1");
  await watching(folder.path, async ({ files, events, missing }) => {
    await waitFor("synced", 5_000, () => events.includes("synced"));
    assert.deepEqual(missing(), []);
    assert.deepEqual([...files].sort(), [
      ["a.yaml", "a: 1"],
      ["sub/deep/b.yml", "b: 1"],
    ]);
    assert.equal(events.at(-1), "synced");
    writeFileSync(folder.file("a.yaml"), "a: 2");
    await waitFor("the change", 5_000, () => files.get("a.yaml") === "a: 2");
    writeFileSync(folder.file("sub/c.yaml"), "c: 1");
    await waitFor("the new file", 5_000, () => files.has("sub/c.yaml"));
    rmSync(folder.file("a.yaml"));
    await waitFor("the removal", 5_000, () => !files.has("a.yaml"));
  });
});

test("an editor's save by rename is one change and no removal", async () => {
  using folder = tempDir();
  writeFileSync(folder.file("a.yaml"), "1");
  await watching(folder.path, async ({ files, events }) => {
    await waitFor("synced", 5_000, () => events.includes("synced"));
    writeFileSync(folder.file("a.yaml.swp"), "2");
    renameSync(folder.file("a.yaml.swp"), folder.file("a.yaml"));
    await waitFor("the change", 5_000, () => files.get("a.yaml") === "2");
    renameSync(folder.file("a.yaml"), folder.file("a.yaml~"));
    writeFileSync(folder.file("a.yaml"), "3");
    await waitFor("the next change", 5_000, () => files.get("a.yaml") === "3");
    assert.deepEqual(
      events.filter((each) => each.startsWith("removed")),
      [],
    );
  });
});

test("a file is reported only when it is still", async () => {
  using folder = tempDir();
  await watching(
    folder.path,
    async ({ files, events }) => {
      await waitFor("synced", 5_000, () => events.includes("synced"));
      const file = openSync(folder.file("slow.yaml"), "w");
      for (let i = 0; i < 10; i++) {
        writeSync(file, `line ${i}\n`);
        await sleep(5);
      }
      closeSync(file);
      await waitFor("the file", 5_000, () => files.has("slow.yaml"));
      assert.equal(files.get("slow.yaml")?.split("\n").length, 11);
      assert.equal(events.filter((each) => each === "file slow.yaml").length, 1);
    },
    { stillMs: 100 },
  );
});

test("folders appear and vanish with what they hold", async () => {
  using folder = tempDir();
  await watching(folder.path, async ({ files, events }) => {
    await waitFor("synced", 5_000, () => events.includes("synced"));
    mkdirSync(folder.file("x/y"), { recursive: true });
    writeFileSync(folder.file("x/y/a.yaml"), "1");
    await waitFor("the file in the new folder", 5_000, () => files.has("x/y/a.yaml"));
    appendFileSync(folder.file("x/y/a.yaml"), "2");
    await waitFor("its change", 5_000, () => files.get("x/y/a.yaml") === "12");
    rmSync(folder.file("x"), { recursive: true });
    await waitFor("its removal", 5_000, () => files.size === 0);
  });
});

test("a mounted ConfigMap: the link behind the files is exchanged", async () => {
  using folder = tempDir();
  for (const version of ["1", "2"]) {
    mkdirSync(folder.file(`..${version}`));
    writeFileSync(folder.file(`..${version}/a.yaml`), version);
  }
  symlinkSync("..1", folder.file("..data"));
  symlinkSync(join("..data", "a.yaml"), folder.file("a.yaml"));
  await watching(folder.path, async ({ files, events }) => {
    await waitFor("synced", 5_000, () => events.includes("synced"));
    assert.deepEqual([...files], [["a.yaml", "1"]]);
    symlinkSync("..2", folder.file("..next"));
    renameSync(folder.file("..next"), folder.file("..data"));
    await waitFor("the exchange", 5_000, () => files.get("a.yaml") === "2");
  });
});

test("a file that is too large is an error and does not withdraw what was reported", async () => {
  using folder = tempDir();
  writeFileSync(folder.file("a.yaml"), "small");
  await watching(
    folder.path,
    async ({ files, events, errors }) => {
      await waitFor("synced", 5_000, () => events.includes("synced"));
      writeFileSync(folder.file("a.yaml"), "x".repeat(101));
      await waitFor("the error", 5_000, () => errors.length > 0);
      assert.match(errors[0]?.[1].message ?? "", /101 bytes, more than 100/);
      assert.equal(files.get("a.yaml"), "small");
      writeFileSync(folder.file("a.yaml"), "again");
      await waitFor("the recovery", 5_000, () => files.get("a.yaml") === "again");
    },
    { maxBytes: 100 },
  );
});

test("a root that is missing or vanishes is an error, never the removal of its files", async () => {
  using folder = tempDir();
  const root = folder.file("config");
  await watching(
    root,
    async ({ files, events, errors, missing }) => {
      await waitFor("the error", 5_000, () => errors.length === 1);
      assert.match(missing()[0] ?? "", /cannot be read/);
      mkdirSync(root);
      writeFileSync(join(root, "a.yaml"), "1");
      await waitFor("synced", 5_000, () => events.includes("synced") && files.has("a.yaml"));
      renameSync(root, `${root}.away`);
      await waitFor("the second error", 5_000, () => errors.length === 2);
      assert.deepEqual(
        events.filter((each) => each.startsWith("removed")),
        [],
      );
      renameSync(`${root}.away`, root);
      rmSync(join(root, "a.yaml"));
      await waitFor("the removal", 5_000, () => files.size === 0);
      assert.equal(events.filter((each) => each === "recovered ").length, 2);
    },
    { rescanMs: 50 },
  );
});

test("the slow scan finds what no event reported", async () => {
  using folder = tempDir();
  mkdirSync(folder.file("real"));
  mkdirSync(folder.file("root"));
  writeFileSync(folder.file("real/a.yaml"), "1");
  symlinkSync("../real/a.yaml", folder.file("root/a.yaml"));
  await watching(
    folder.file("root"),
    async ({ files, events }) => {
      await waitFor("synced", 5_000, () => events.includes("synced"));
      writeFileSync(folder.file("real/a.yaml"), "22");
      await waitFor("the change behind the link", 5_000, () => files.get("a.yaml") === "22");
    },
    { rescanMs: 50 },
  );
});
