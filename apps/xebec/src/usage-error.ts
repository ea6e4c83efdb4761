/**
 * What the parser of the command line has to say, in one line that also says where to read on.
 * @param text its message, `error: ...`, perhaps with a suggestion in a second line
 * @param args the arguments of the command line
 * @param commands the names of all commands
 */
export function usageError(text: string, args: readonly string[], commands: ReadonlySet<string>): string {
  const said = text
    .replace(/^error: /, "")
    .trim()
    .replace(/\n\(Did you mean (.*)\?\)$/, "; did you mean $1?")
    .replace(/\s*\n\s*/g, " ")
    .replace(/\.$/, "");
  const command = args.find((each) => !each.startsWith("-"));
  const help = command !== undefined && commands.has(command) ? `xebec ${command} --help` : "xebec --help";
  return `xebec: ${said}; see "${help}"\n`;
}
