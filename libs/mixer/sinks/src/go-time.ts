import type { Timestamp } from "@xebec/mixer-sdk";

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const PARTS =
  /January|Jan|Monday|Mon|MST|2006|Z07:00|-07:00|-0700|[.,]0+(?!\d)|[.,]9+(?!\d)|01|02|03|04|05|06|15|PM|pm|_2|1|2|3|4|5/g;

/** Writes an instant by a layout of Go (`2006-01-02T15:04:05Z07:00`), in UTC. */
export function formatGoTime({ seconds, nanos }: Timestamp, layout: string): string {
  const date = new Date(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hour = date.getUTCHours();
  const [month, day] = [MONTHS[date.getUTCMonth()] as string, DAYS[date.getUTCDay()] as string];
  const known: Readonly<Record<string, string>> = {
    ...{ January: month, Jan: month.slice(0, 3), Monday: day, Mon: day.slice(0, 3), MST: "UTC" },
    ...{ "2006": String(date.getUTCFullYear()), "06": two(date.getUTCFullYear() % 100), "Z07:00": "Z" },
    ...{
      "-07:00": "+00:00",
      "-0700": "+0000",
      "15": two(hour),
      PM: hour < 12 ? "AM" : "PM",
      pm: hour < 12 ? "am" : "pm",
    },
    ...{ "01": two(date.getUTCMonth() + 1), "1": String(date.getUTCMonth() + 1) },
    ...{ "02": two(date.getUTCDate()), "2": String(date.getUTCDate()), _2: String(date.getUTCDate()).padStart(2) },
    ...{ "03": two(hour % 12 || 12), "3": String(hour % 12 || 12) },
    ...{ "04": two(date.getUTCMinutes()), "4": String(date.getUTCMinutes()) },
    ...{ "05": two(date.getUTCSeconds()), "5": String(date.getUTCSeconds()) },
  };
  return layout.replace(PARTS, (part) => {
    if (!/^[.,]/.test(part)) return known[part] ?? part;
    const digits = String(nanos)
      .padStart(9, "0")
      .slice(0, part.length - 1);
    if (part[1] === "0") return `${part[0]}${digits}`;
    const short = digits.replace(/0+$/, "");
    return short === "" ? "" : `${part[0]}${short}`;
  });
}
