export const describe = (key: string | undefined): string => `the key ${key ?? "-"} is not known`;
