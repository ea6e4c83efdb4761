// Generates our own .proto files (proto/ at the root of the repository).
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const proto = join(root, "../../../proto");
rmSync(join(root, "gen"), { recursive: true, force: true });
const template = {
  version: "v2",
  plugins: [
    {
      local: "protoc-gen-es",
      out: join(root, "gen/es"),
      strategy: "all",
      opt: ["target=js+dts", "import_extension=js"],
    },
  ],
};
execFileSync("buf", ["generate", proto, "--template", JSON.stringify(template)], {
  stdio: "inherit",
  env: { ...process.env, BUF_CACHE_DIR: join(root, "gen/.cache") },
});
