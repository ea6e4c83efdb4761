/** An action from its `{{` on: what is in it, and where it ends. Strings and comments may hold `}}`. */
export function readAction(text: string, at: number): { readonly body: string; readonly end: number } {
  const action = /\{\{((?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|\/\*[\s\S]*?\*\/|(?!\}\})[^"`])*)\}\}/y;
  action.lastIndex = at;
  const found = action.exec(text);
  if (!found) throw new Error(`${JSON.stringify(text.slice(at, at + 40))} has no closing }}`);
  return { body: found[1] as string, end: action.lastIndex };
}
