using System.Text;
using System.Text.Json;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Tests.Dockerfile;

/// <summary>Results of the frontend as text that a person can review and another implementation can produce.</summary>
internal static class GraphText
{
    /// <summary>One line a node: lines, keyword, flags, words, here-documents, comments.</summary>
    public static string Ast(DockerfileAst ast)
    {
        var text = new StringBuilder();
        foreach (ParserDirective directive in ast.Directives) text.Append($"directive {directive.Line} {directive.Name}={directive.Value}\n");
        foreach (int line in ast.EmptyContinuations) text.Append($"empty-continuation {line}\n");
        foreach (DockerfileNode node in ast.Nodes) Append(text, node, 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, DockerfileNode node, int depth)
    {
        string indent = new(' ', 2 * depth);
        text.Append($"{indent}{node.Span.StartLine}-{node.Span.EndLine} {node.Keyword}{(node.IsJson ? " json" : "")}\n");
        foreach (string comment in node.Comments) text.Append($"{indent}  comment {GoFormat.Quote(comment)}\n");
        foreach (string flag in node.Flags) text.Append($"{indent}  flag {GoFormat.Quote(flag)}\n");
        if (node.Trigger is null)
        {
            foreach (string arg in node.Args) text.Append($"{indent}  arg {GoFormat.Quote(arg)}\n");
        }
        else
        {
            Append(text, node.Trigger, depth + 1);
        }

        foreach (Heredoc doc in node.Heredocs)
        {
            text.Append($"{indent}  heredoc {doc.Name} fd={doc.FileDescriptor}{(doc.Expand ? " expand" : "")}{(doc.Chomp ? " chomp" : "")} {GoFormat.Quote(doc.Content)}\n");
        }
    }

    /// <summary>The vertices below a result, inputs first, then the configuration and its history.</summary>
    public static string Result(FrontendResult result)
    {
        var text = new StringBuilder();
        var numbers = new Dictionary<Digest, int>();
        Visit(result.Root);
        byte[] config = JsonSerializer.SerializeToUtf8Bytes(result.Config with { History = null }, OciJson.Default.ImageConfig);
        text.Append("config ").Append(Encoding.UTF8.GetString(config)).Append('\n');
        foreach (HistoryEntry entry in result.Config.History ?? [])
            text.Append(entry.EmptyLayer == true ? "history empty " : "history layer ").Append(entry.CreatedBy).Append('\n');
        foreach (LintWarning warning in result.Warnings) text.Append($"warning {warning.Rule} {warning.Span?.StartLine} {warning.Detail}\n");
        if (result.SourceDateEpoch is { } epoch) text.Append($"epoch {epoch}\n");
        return text.ToString();

        void Visit(Vertex vertex)
        {
            if (numbers.ContainsKey(vertex.Digest)) return;
            foreach (Vertex input in vertex.Inputs) Visit(input);
            numbers[vertex.Digest] = numbers.Count;
            string op = Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(vertex.Op, Relaxed.Op));
            text.Append($"v{numbers[vertex.Digest]} [{string.Join(' ', vertex.Inputs.Select(i => "v" + numbers[i.Digest]))}] {vertex.Meta.Name}");
            if (vertex.Meta.IgnoreCache) text.Append(" (no cache)");
            text.Append("\n   ").Append(op).Append('\n');
            if (vertex.Op is ExecOp { ProxyEnv.Length: > 0 } exec) text.Append("   proxy ").AppendJoin(' ', exec.ProxyEnv).Append('\n');
        }
    }

    public static string Error(KimgException error)
    {
        string place = error.Span is { } span ? $"{span.StartLine}:{span.StartColumn}-{span.EndLine}:{span.EndColumn}" : "-";
        return $"{error.Code.Name()} {place}\n{error.Message}\n{error.Hint}\n";
    }

    public static string Warnings(CheckResult check)
    {
        var text = new StringBuilder();
        foreach (LintWarning warning in check.Warnings) text.Append($"{warning.Rule} {warning.Span?.StartLine} {warning.Detail}\n");
        if (check.Error is not null) text.Append("error ").Append(Error(check.Error));
        return text.ToString();
    }

    private static GraphJson Relaxed { get; } = new(new JsonSerializerOptions(GraphJson.Default.Options)
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
