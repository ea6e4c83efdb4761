// The commands of `xebec explain`.
import { type Command, InvalidArgumentError, Option } from "commander";
import { FORMATS } from "./output.ts";

type Does = <A extends unknown[]>(action: (...args: A) => Promise<number | undefined>) => (...args: A) => Promise<void>;

const output = (): Option => new Option("-o, --output <format>", "how to print").choices(FORMATS).default("table");

/** `NAME: VALUE` or `NAME=VALUE`, gathered over several flags. */
const pairs =
  (separator: RegExp) =>
  (text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> => {
    const [, name, value] = separator.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new InvalidArgumentError("It must have a name and a value.");
    return { ...before, [name.toLowerCase()]: value };
  };

/** Adds `explain` to the command line. @param does makes the result of an action the exit code */
export function addExplain(program: Command, does: Does): void {
  program
    .command("explain")
    .description("why the mesh does what it does: with an object, a request, or a line of an access log")
    .usage("KIND NAME | request --from POD --to HOST | LINE")
    .argument(
      "<what>",
      "KIND or KIND/NAME, the word request, a line of an access log, or a status such as 503 with response flags",
    )
    .argument("[name...]", "the name of the object; more words of the line")
    .option("-n, --namespace <name>", "namespace of the object", "default")
    .option("--from <pod>", "the pod that sends the request")
    .option("--to <host>", "HOST[:PORT] that is called")
    .option("--method <method>", "method of the request", "GET")
    .option("--path <path>", "path of the request, with its query", "/")
    .option("-H, --header <header>", '"NAME: VALUE", may be repeated', pairs(/^([^:\s]+):\s*(.*)$/s))
    .option("--claim <claim>", "NAME=VALUE of a valid token's claims, may be repeated", pairs(/^([^=]+)=(.*)$/s))
    .option("--offline", "a request by the configuration that pilot would send, without any server: with --config")
    .option(
      "--config <dir>",
      "objects and manifests for --offline; may be repeated",
      (text: string, before: string[] = []) => [...before, text],
    )
    .addOption(output())
    .action(
      does(async (what, names, options) => {
        const commands = await import("./commands/explain.ts");
        if (what === "request") return commands.request(options);
        const words = [what, ...names];
        const isObject = words.length <= 2 && !/^([1-5]\d\d|[[{])/.test(what) && !/^[A-Z,]+$/.test(what);
        return isObject ? commands.object(what, names[0], options) : commands.response(words.join(" "), options);
      }),
    );
}
