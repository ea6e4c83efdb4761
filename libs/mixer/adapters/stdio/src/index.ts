export { createStdio, type Output, type OutputTarget, stdio } from "./stdio.ts";
