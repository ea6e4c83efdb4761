export { createTestCa, type TestCa, type TestNames } from "./certificates.ts";
