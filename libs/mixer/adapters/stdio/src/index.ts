export { createStdio, type Output, type OutputTarget } from "./stdio.ts";
