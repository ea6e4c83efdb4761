/** A function that scripts may use, with those that it uses itself. */
interface Part {
  readonly uses: readonly string[];
  readonly lua: string;
}

/**
 * Functions of the scripts. `H` are the headers of the request and `S` is what Envoy knows of it, for as long as it is decided about.
 * Where Envoy's ext_authz gives mixer-policy a value in another form than it has, they give the same form: bytes that are no UTF-8 are
 * replaced by `!`, several headers of a name are joined.
 */
const PARTS: Readonly<Record<string, Part>> = {
  need: { uses: [], lua: 'local function need(v) if v == nil then error("absent", 0) end return v end' },
  some: { uses: ["header"], lua: 'local function some(v) if v ~= "" then return v end end' },
  valid: {
    uses: [],
    lua: `local function sequence(s, i)
  local a, b = string.byte(s, i, i + 1)
  if a < 128 then return 1 end
  if a < 194 or a > 244 or not b then return 0 end
  local low, high = 128, 191
  if a == 224 then low = 160 elseif a == 237 then high = 159 elseif a == 240 then low = 144 elseif a == 244 then high = 143 end
  if b < low or b > high then return 0 end
  local size = a < 224 and 2 or a < 240 and 3 or 4
  for n = 2, size - 1 do
    local c = string.byte(s, i + n)
    if not c or c < 128 or c > 191 then return 0 end
  end
  return size
end
local function valid(s)
  if not string.find(s, "[\\128-\\255]") then return s end
  local out, i = {}, 1
  while i <= #s do
    local size = sequence(s, i)
    out[#out + 1] = size == 0 and "!" or string.sub(s, i, i + size - 1)
    i = i + math.max(size, 1)
  end
  return table.concat(out)
end`,
  },
  header: {
    uses: ["valid"],
    lua: "local function header(name) local v = H:get(name) if v ~= nil then return valid(v) end end",
  },
  url_path: {
    uses: ["header", "some"],
    lua: 'local function url_path() local p = some(header(":path")) if p then return some(string.match(p, "^[^?]*")) end end',
  },
  protocol: {
    uses: ["header"],
    lua: `local function protocol()
  local t = header("content-type") or ""
  return string.sub(t, 1, 16) == "application/grpc" and (#t == 16 or string.find(t, "^[+;]", 17)) and "grpc" or "http"
end`,
  },
  principal: {
    uses: [],
    lua: `local function principal()
  local ssl = S:downstreamSslConnection()
  if not ssl then return nil end
  local name = ssl:uriSanPeerCertificate()[1] or ssl:dnsSansPeerCertificate()[1] or ssl:subjectPeerCertificate()
  if string.sub(name, 1, 9) == "spiffe://" then name = string.sub(name, 10) end
  if name ~= "" then return name end
end`,
  },
  source_ip: {
    uses: [],
    lua: `local function digits(text)
  local a, b, c, d = string.match(text, "(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a and not string.find(text, ":", 1, true) then return string.format("00000000000000000000ffff%02x%02x%02x%02x", a, b, c, d) end
  if a then text = string.gsub(text, "[%d.]+$", string.format("%x:%x", a * 256 + b, c * 256 + d)) end
  local groups, gap = {}, nil
  local head, tail = string.match(text, "^(.-)::(.*)$")
  for g in string.gmatch(head or text, "%x+") do groups[#groups + 1] = g end
  if head then
    local rest = {}
    for g in string.gmatch(tail, "%x+") do rest[#rest + 1] = g end
    for _ = 1, 8 - #groups - #rest do groups[#groups + 1] = "0" end
    for _, g in ipairs(rest) do groups[#groups + 1] = g end
  end
  for i, g in ipairs(groups) do groups[i] = string.rep("0", 4 - #g) .. g end
  return table.concat(groups)
end
local function source_ip()
  local text = S:downstreamDirectRemoteAddress()
  if not string.find(text, "^[%d%[]") then return nil end
  return digits(string.match(text, "^%[([^%]%%]+)") or string.match(text, "^[^:]+"))
end`,
  },
  address: {
    uses: [],
    lua: `local function address(d)
  local four = string.match(d, "^00000000000000000000ffff(%x+)$")
  if four then return (string.gsub(string.gsub(four, "%x%x", function(x) return tonumber(x, 16) .. "." end), "%.$", "")) end
  local groups, from, length = {}, 0, 1
  for g in string.gmatch(d, "%x%x%x%x") do groups[#groups + 1] = string.format("%x", tonumber(g, 16)) end
  local i = 1
  while i <= 8 do
    local stop = i
    while stop <= 8 and groups[stop] == "0" do stop = stop + 1 end
    if stop - i > length then from, length = i, stop - i end
    i = math.max(stop, i + 1)
  end
  if from == 0 then return table.concat(groups, ":") end
  return table.concat(groups, ":", 1, from - 1) .. "::" .. table.concat(groups, ":", from + length, 8)
end`,
  },
  within: {
    uses: [],
    lua: `local function within(d, networks)
  for _, n in ipairs(networks) do
    local whole = #n[1]
    if string.sub(d, 1, whole) == n[1] and (n[2] == 1 or math.floor(tonumber(string.sub(d, whole + 1, whole + 1), 16) / n[2]) == n[3]) then
      return true
    end
  end
  return false
end`,
  },
  folded: {
    uses: [],
    lua: 'local function folded(s) return (string.upper((string.gsub(string.gsub(s, "\\196\\177", "I"), "\\197\\191", "S")))) end',
  },
  starts: { uses: [], lua: "local function starts(s, p) return string.sub(s, 1, #p) == p end" },
  ends: { uses: [], lua: 'local function ends(s, p) return p == "" or string.sub(s, -#p) == p end' },
  pick: { uses: [], lua: "local function pick(t, a, b) if t then return a end return b end" },
};

/** The functions with these names and what they need, in an order in which each is defined before it is used. */
export function prelude(names: Iterable<string>): string {
  const needed = new Set<string>();
  const visit = (name: string): void => {
    for (const each of PARTS[name]?.uses ?? []) visit(each);
    needed.add(name);
  };
  for (const each of names) visit(each);
  return [...needed].flatMap((each) => PARTS[each]?.lua ?? []).join("\n");
}
