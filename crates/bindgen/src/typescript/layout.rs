//! Text in the form that Prettier gives it.

use wit_bindgen_core::wit_parser::Docs;

const WIDTH: usize = 100;

/// A type, which breaks where a line has no room for it.
#[derive(Clone)]
pub enum Layout {
    Text(String),
    Array(Box<Layout>),
    Tuple(Vec<Layout>),
    Object(Vec<(&'static str, Layout)>),
    Union(Vec<Member>),
}

/// One of the types of a union. Docs put each on a line of its own.
#[derive(Clone)]
pub struct Member {
    pub docs: Option<String>,
    pub layout: Layout,
}

impl Member {
    pub fn new(docs: &Docs, layout: Layout) -> Self {
        Self {
            docs: docs.contents.clone(),
            layout,
        }
    }
}

impl From<Layout> for Member {
    fn from(layout: Layout) -> Self {
        Self { docs: None, layout }
    }
}

impl Layout {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// This or `other`; no union holds a union.
    pub fn or(self, other: Layout) -> Self {
        let members = |layout| match layout {
            Self::Union(members) => members,
            layout => vec![layout.into()],
        };
        Self::Union(members(self).into_iter().chain(members(other)).collect())
    }

    /// The text on one line.
    pub fn flat(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Array(item) if matches!(**item, Self::Union(_)) => format!("({})[]", item.flat()),
            Self::Array(item) => format!("{}[]", item.flat()),
            Self::Tuple(items) => format!("[{}]", join(items, ", ")),
            Self::Object(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(name, layout)| format!("{name}: {}", layout.flat()))
                    .collect();
                format!("{{ {} }}", fields.join("; "))
            }
            Self::Union(members) => {
                let members: Vec<_> = members.iter().map(|member| member.layout.flat()).collect();
                members.join(" | ")
            }
        }
    }

    /// The text behind `before` columns of a line that is indented by `indent`; `after` columns follow it.
    /// A union that breaks begins with a new line.
    pub fn fit(&self, indent: usize, before: usize, after: usize) -> String {
        let documented = matches!(self, Self::Union(members) if members.iter().any(|member| member.docs.is_some()));
        let flat = self.flat();
        if !documented && before + flat.len() + after <= WIDTH {
            return flat;
        }
        let margin = " ".repeat(indent);
        let inner = indent + 2;
        match self {
            Self::Text(text) => text.clone(),
            Self::Array(item) if matches!(**item, Self::Union(_)) => {
                format!("({}\n{margin})[]", item.fit(indent, WIDTH, 0))
            }
            Self::Array(item) => format!("{}[]", item.fit(indent, before, after + 2)),
            Self::Tuple(items) => {
                let lines = items
                    .iter()
                    .map(|item| format!("{margin}  {},\n", item.fit(inner, inner, 1).trim_start()));
                format!("[\n{}{margin}]", lines.collect::<String>())
            }
            Self::Object(fields) => {
                let lines = fields.iter().map(|(name, layout)| {
                    let text = layout.fit(inner, inner + name.len() + 2, 1);
                    format!("{margin}  {}\n", field(name, &text))
                });
                format!("{{\n{}{margin}}}", lines.collect::<String>())
            }
            Self::Union(_) if !documented && inner + flat.len() + after <= WIDTH => {
                format!("\n{margin}  {flat}")
            }
            Self::Union(members) => {
                let lines = members.iter().map(|member| {
                    let text = member.layout.fit(inner + 2, inner + 2, 1);
                    format!(
                        "\n{}{margin}  | {text}",
                        docs(member.docs.as_deref(), inner)
                    )
                });
                lines.collect()
            }
        }
    }
}

fn join(items: &[Layout], separator: &str) -> String {
    let items: Vec<_> = items.iter().map(Layout::flat).collect();
    items.join(separator)
}

/// `name: type;`, where a union that breaks follows the colon on lines of its own.
pub fn field(name: &str, layout: &str) -> String {
    let blank = if layout.starts_with('\n') { "" } else { " " };
    format!("{name}:{blank}{layout};")
}

/// `head = …;`, as a line of its own.
pub fn alias(head: &str, layout: &Layout, indent: usize) -> String {
    let head = format!("{}{head} =", " ".repeat(indent));
    let text = layout.fit(indent, head.len() + 1, 1);
    let blank = if text.starts_with('\n') { "" } else { " " };
    format!("{head}{blank}{text};\n")
}

/// A signature, as a line of its own, or as many as it has parameters.
pub fn signature(
    name: &str,
    parameters: &[(String, Layout)],
    result: &Layout,
    indent: usize,
) -> String {
    let margin = " ".repeat(indent);
    let list: Vec<_> = parameters
        .iter()
        .map(|(name, layout)| format!("{name}: {}", layout.flat()))
        .collect();
    let line = format!("{margin}{name}({}): {};\n", list.join(", "), result.flat());
    if line.len() <= WIDTH + 1 || parameters.is_empty() {
        return line;
    }
    let inner = indent + 2;
    let lines = parameters.iter().map(|(name, layout)| {
        let text = layout.fit(inner, inner + name.len() + 2, 1);
        format!("{margin}  {},\n", field(name, &text).trim_end_matches(';'))
    });
    let result = field(")", &result.fit(indent, indent + 3, 1));
    format!(
        "{margin}{name}(\n{}{margin}{result}\n",
        lines.collect::<String>()
    )
}

/// The comment above a declaration, each text on lines of its own; nothing without texts.
pub fn docs<'a>(texts: impl IntoIterator<Item = &'a str>, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let lines: Vec<_> = texts
        .into_iter()
        .flat_map(|text| fill(text.trim(), WIDTH - indent - " * ".len()))
        .map(|line| line.replace("*/", "*\\/"))
        .collect();
    match &lines[..] {
        [] => String::new(),
        [line] if indent + "/**  */".len() + line.len() <= WIDTH => {
            format!("{margin}/** {line} */\n")
        }
        lines => {
            let lines = lines
                .iter()
                .map(|line| format!("{margin} * {line}").trim_end().to_owned() + "\n");
            format!("{margin}/**\n{}{margin} */\n", lines.collect::<String>())
        }
    }
}

/// The lines of `text`, none longer than `width` where a blank can be broken at. Prose is filled; what is laid out by
/// hand, such as lists and code, keeps its lines.
fn fill(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut fenced = false;
    let mut in_prose = false;
    for line in text.lines().map(str::trim_end) {
        let fence = line.starts_with("```");
        let prose = !fenced
            && !fence
            && line.starts_with(|c: char| c.is_alphanumeric() || "`(\"".contains(c));
        fenced ^= fence;
        if !prose {
            lines.push(line.to_owned());
        }
        for word in line.split(' ').filter(|_| prose) {
            match lines.last_mut() {
                Some(last)
                    if in_prose && last.chars().count() + 1 + word.chars().count() <= width =>
                {
                    last.push(' ');
                    last.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
            in_prose = true;
        }
        in_prose = prose;
    }
    lines
}
