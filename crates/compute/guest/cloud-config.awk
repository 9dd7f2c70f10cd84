# Turns the part of #cloud-config that this guest knows into a shell script:
#   hostname, fqdn, ssh_authorized_keys, write_files (path, content, permissions, owner, append,
#   encoding), runcmd (strings and flow lists), power_state (mode).
# Any other key is named on the console and left alone. Scalars may be plain, quoted, or blocks.

function indent(s) { match(s, /^ */); return RLENGTH }
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function nothing(s) { return s ~ /^[ \t]*(#.*)?$/ }
function quote(s) { gsub(/'/, "'\\''", s); return "'" s "'" }
function warn(s) { warnings = warnings "echo " quote("cloud-config: " s) "\n" }

# A "double" or 'single' quoted text at the start of s; what follows it is left in `rest`.
function quoted(s,    mark, out, c, k) {
    mark = substr(s, 1, 1)
    out = ""
    for (k = 2; k <= length(s); k++) {
        c = substr(s, k, 1)
        if (mark == "\"" && c == "\\") {
            k++
            c = substr(s, k, 1)
            if (c == "n") c = "\n"
            else if (c == "t") c = "\t"
            else if (c == "r") c = "\r"
        } else if (c == mark) {
            if (mark == "'" && substr(s, k + 1, 1) == "'") k++
            else break
        }
        out = out c
    }
    rest = substr(s, k + 1)
    return out
}

# A block scalar whose key or dash stands at `outer`; its first line is L[i].
function block(kind, outer,    ind, out, line, ends, fold) {
    ind = -1; out = ""; ends = ""; fold = 0
    while (i <= n) {
        line = L[i]
        if (line ~ /^[ \t]*$/) { ends = ends "\n"; i++; continue }
        if (ind < 0) { if (indent(line) <= outer) break; ind = indent(line) }
        if (indent(line) < ind) break
        line = substr(line, ind + 1)
        if (kind ~ /^>/) {
            if (ends != "") out = out ends
            else if (fold) out = out " "
            out = out line
            ends = ""; fold = 1
        } else {
            out = out ends line "\n"
            ends = ""
        }
        i++
    }
    if (kind ~ /^>/) out = out "\n"
    if (kind ~ /-/) sub(/\n$/, "", out)
    if (kind ~ /\+/) out = out ends
    return out
}

# The value `text` of a key or dash that stands at `outer`. L[i] is the next line.
function scalar(text, outer,    out) {
    text = trim(text)
    if (text ~ /^[|>][+-]?[ \t]*(#.*)?$/) return block(substr(text, 1, 2), outer)
    if (text ~ /^["']/) return quoted(text)
    sub(/[ \t]#.*$/, "", text)
    out = trim(text)
    # A plain scalar may go on in the lines below.
    while (i <= n && !nothing(L[i]) && indent(L[i]) > outer) out = out " " trim(L[i++])
    return trim(out)
}

# A flow list `[a, "b c"]` as the words of a command.
function words(text,    out, item) {
    text = trim(text)
    text = substr(text, 2)
    out = ""
    while ((text = trim(text)) != "" && text !~ /^\]/) {
        if (text ~ /^["']/) { item = quoted(text); text = trim(rest) }
        else { match(text, /^[^],]*/); item = trim(substr(text, 1, RLENGTH)); text = substr(text, RLENGTH + 1) }
        out = out (out == "" ? "" : " ") quote(item)
        sub(/^[ \t]*,/, "", text)
    }
    return out
}

# Goes to the next item of a list below a key at column 0; its text is left in `item`.
function next_item() {
    while (i <= n && nothing(L[i])) i++
    if (i > n || L[i] !~ /^ *-( |$)/) return 0
    if (list < 0) list = indent(L[i])
    if (indent(L[i]) != list) return 0
    item = substr(L[i], list + 2)
    i++
    return 1
}

function skip() { while (i <= n && (nothing(L[i]) || L[i] ~ /^[ -]/)) i++ }

function run_commands() {
    list = -1
    while (next_item()) {
        item = trim(item)
        if (item ~ /^\[/) commands = commands words(item) "\n"
        else if (item ~ /^- /) { warn("runcmd: write a nested list as [a, b]"); skip_deeper(list) }
        else commands = commands scalar(item, list) "\n"
    }
}

function skip_deeper(outer) { while (i <= n && (nothing(L[i]) || indent(L[i]) > outer)) i++ }

function authorize_keys() {
    list = -1
    while (next_item()) keys = keys "add_key " quote(scalar(item, list)) "\n"
}

# `key: value` in `text`, whose key stands at `column`, into F.
function field(text, column,    key) {
    key = text
    sub(/:.*$/, "", key)
    sub(/^[^:]*:/, "", text)
    F[trim(key)] = scalar(text, column)
}

function write_files(    column, k) {
    list = -1
    while (next_item()) {
        for (k in F) delete F[k]
        column = list + 1 + indent(item)
        if (trim(item) == "") {
            while (i <= n && nothing(L[i])) i++
            column = indent(L[i])
        } else field(trim(item), column)
        while (i <= n) {
            if (nothing(L[i])) { i++; continue }
            if (indent(L[i]) != column || column <= list) break
            k = trim(L[i++])
            field(k, column)
        }
        write_file()
    }
}

function write_file(    path, how) {
    if (F["path"] == "") { warn("write_files: an entry has no path"); return }
    path = quote(F["path"])
    how = ""
    if (F["encoding"] ~ /^(b64|base64)$/) how = " | base64 -d"
    else if (F["encoding"] ~ /^(gz|gzip)\+(b64|base64)$/) how = " | base64 -d | gunzip"
    else if (F["encoding"] !~ /^(text\/plain)?$/) warn("write_files: encoding " F["encoding"] " is not known")
    files = files "mkdir -p \"$(dirname " path ")\"\n"
    files = files "printf %s " quote(F["content"]) how (F["append"] == "true" ? " >>" : " >") path "\n"
    if (F["permissions"] != "") files = files "chmod " quote(F["permissions"]) " " path "\n"
    if (F["owner"] != "") files = files "chown " quote(F["owner"]) " " path "\n"
}

function power_state(    column) {
    for (column in F) delete F[column]
    while (i <= n && (nothing(L[i]) || indent(L[i]) > 0)) {
        if (nothing(L[i])) { i++; continue }
        column = indent(L[i])
        field(trim(L[i++]), column)
    }
    if (F["mode"] ~ /^(poweroff|halt|reboot)$/) power = F["mode"]
    else warn("power_state: mode is one of poweroff, halt, reboot")
}

{ sub(/\r$/, ""); L[NR] = $0 }

END {
    n = NR
    i = 1
    while (i <= n) {
        if (nothing(L[i]) || L[i] ~ /^(---|\.\.\.)/) { i++; continue }
        if (L[i] !~ /^[A-Za-z_][A-Za-z0-9_-]*:/) {
            warn("line " i " is not understood")
            i++
            continue
        }
        key = L[i]
        sub(/:.*$/, "", key)
        text = substr(L[i], length(key) + 2)
        i++
        if (key == "hostname" || key == "fqdn" && name == "") name = scalar(text, 0)
        else if (key == "ssh_authorized_keys") authorize_keys()
        else if (key == "runcmd") run_commands()
        else if (key == "write_files") write_files()
        else if (key == "power_state") power_state()
        else { warn(key " is not known to this guest and is left alone"); skip() }
    }
    printf "%s", warnings
    if (name != "") {
        sub(/\..*$/, "", name)
        print "echo " quote(name) " >/etc/hostname; hostname -F /etc/hostname"
    }
    printf "%s", files
    if (keys != "") {
        print "add_key() { grep -qxF \"$1\" /root/.ssh/authorized_keys 2>/dev/null ||"
        print "    (umask 077; mkdir -p /root/.ssh; echo \"$1\" >>/root/.ssh/authorized_keys); }"
        printf "%s", keys
    }
    if (power != "") print "echo " power " >/run/ectype/power-state"
    printf "%s", commands
}
