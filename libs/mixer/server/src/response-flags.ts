import type { MessageView } from "./message-view.ts";

/** Envoy's short names of envoy.data.accesslog.v3.ResponseFlags, by field number. */
const NAMES =
  " LH UH UT LR UR UF UC UO NR DI FI RL UAEX RLSE DC URX SI IH DPE UMSDR RFCF NFCF DT UPE NC OM DF DR".split(" ");

/** The flags that are set, with commas between; `-` for none. */
export function responseFlagsText(flags: MessageView): string {
  let out = "";
  for (let field = 1; field < NAMES.length; field++)
    if (flags.has(field)) out += out === "" ? NAMES[field] : `,${NAMES[field]}`;
  return out === "" ? "-" : out;
}
