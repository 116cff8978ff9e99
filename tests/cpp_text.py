"""Just enough understanding of C++ for the checks: comments and strings apart from code, and
which braces belong to namespaces, classes and functions."""
import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<comment>//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/)
      | (?P<raw>R"(?P<tag>[^(\s"]*)\(.*?\)(?P=tag)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b\d[\w.']*)
      | (?P<char>'(?:\\.|[^'\\\n])*')""",
    re.VERBOSE | re.DOTALL)


def blank(text):
    """As many lines, but nothing on them."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return TOKEN.sub(lambda m: blank(m[0]) if m["comment"] else m[0], text)


def code_only(text):
    """Comments blanked, strings and characters emptied; every line keeps its number."""
    def replace(match):
        if match["number"]:
            return match[0]
        if match["comment"]:
            return blank(match[0])
        return '""' + "\n" * match[0].count("\n")
    return TOKEN.sub(replace, text)


def without_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: blank(m[0]), code, flags=re.MULTILINE)


@dataclass
class Function:
    head: str
    first_line: int
    last_line: int


@dataclass
class Declaration:
    """A statement at namespace scope that declares no function."""
    text: str
    line: int


def flatten(text):
    """Balanced (...), [...] and <...> emptied, so that what is left tells the kind of statement."""
    text = re.sub(r"operator\s*(\(\)|\[\]|[^\s\w(]+)", "operator_", text)
    text = text.replace("->", " ")
    for pattern in (r"\([^()]*\)", r"\[[^\[\]]*\]", r"<[^<>]*>"):
        mark = {"\\(": "\0", "\\[": " ", "<": " "}[pattern[:2] if pattern[0] == "\\" else "<"]
        previous = None
        while previous != text:
            previous, text = text, re.sub(pattern, mark, text)
    return " ".join(text.replace("\0", "()").split())


def kind_of_block(head):
    flat = flatten(head)
    if re.search(r"\bnamespace\b|^extern \"\"$", flat):
        return "namespace"
    before_value = flat.split("=")[0]
    if re.search(r"\b(class|struct|union)\b", before_value) and "()" not in before_value:
        return "class"
    if "()" in before_value and "=" not in flat:
        return "function"
    return "block"


def outline(code):
    """The functions of a file and what else it declares at namespace scope.

    `code` comes from code_only and without_preprocessor.
    """
    functions, declarations = [], []
    scopes = []          # (kind, head, line) of each open brace
    head, head_line = "", 1
    line = 1
    for character in code:
        if character == "\n":
            line += 1
        inside = scopes and scopes[-1][0] in ("function", "block")
        if character == "{":
            kind = "block" if inside else kind_of_block(head)
            scopes.append((kind, head.strip(), head_line))
            head = head if kind == "block" and not inside else ""
        elif character == "}" and scopes:
            kind, opened, opened_line = scopes.pop()
            at_block = scopes and scopes[-1][0] in ("function", "block")
            if kind == "function" and not at_block:
                functions.append(Function(opened, opened_line, line))
            if not at_block:
                head = opened + "{}" if kind in ("class", "block") else ""
        elif character == ";" and not inside:
            if all(scope[0] == "namespace" for scope in scopes) and head.strip():
                declarations.append(Declaration(head.strip(), head_line))
            head = ""
        elif not inside:
            if not head.strip():
                head_line = line
            head += character
    return functions, declarations
