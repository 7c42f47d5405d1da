"""Code in a fence of Markdown, coloured by Pygments. Only languages that are named and known, and no long pieces: its
rules are regular expressions, and what they read here is a stranger's."""

from desktop.theme import theme

LANGUAGES = {
    "python", "py", "javascript", "js", "typescript", "ts", "java", "c", "cpp", "c++", "csharp", "go", "rust", "ruby",
    "php", "bash", "sh", "sql", "html", "css", "json", "yaml", "toml", "r", "swift", "kotlin", "scala", "haskell",
    "lua", "diff",
}  # fmt: skip
LONGEST = 4_000
STYLES = {"light": "xcode", "dark": "github-dark"}


def coloured(code: str, language: str, _: str = "") -> str:
    """HTML of a piece of code; empty where it is to stay as it is."""
    if language.lower() not in LANGUAGES or len(code) > LONGEST:
        return ""
    from pygments import highlight  # most texts have no code
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    style = STYLES[theme.current().name]
    found = highlight(code, get_lexer_by_name(language.lower(), stripnl=False), HtmlFormatter(
        nowrap=True, noclasses=True, style=style
    ))  # fmt: skip
    return str(found)
