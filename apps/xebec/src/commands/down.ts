import { endMesh, meshProcesses } from "../end-mesh.ts";
import { print } from "../output.ts";
import { runDirectory } from "../paths.ts";

/** `xebec down`: ends exactly what `up` started. */
export async function down(): Promise<number> {
  const runDir = runDirectory();
  const found = await endMesh(runDir);
  const left = meshProcesses(runDir);
  if (left.length > 0) {
    process.stderr.write(
      `xebec: these processes could not be ended: ${left.map((each) => each.pid).join(", ")}; end them by hand\n`,
    );
    return 1;
  }
  print(found ? "the mesh has ended" : "no mesh ran here");
  return 0;
}
