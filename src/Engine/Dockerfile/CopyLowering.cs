using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Lowers COPY and ADD: one copy action for each source, from the context, a stage, an image, an address, a git repository or a
/// here-document. With --link the files are made on an empty root and merged.</summary>
internal sealed class CopyLowering(Lowering lowering, StageNode node, StageLowering stage)
{
    private readonly List<Vertex> _inputs = [];
    private readonly ImmutableArray<FileAction>.Builder _actions = ImmutableArray.CreateBuilder<FileAction>();

    public void Lower(TransferInstruction instruction, BoundCommand command, Linter lint)
    {
        bool isAdd = instruction is AddInstruction;
        Transfer transfer = Expand(instruction, lint);
        Vertex source = Source(instruction, command);
        string label = StepName.Command(instruction.Text.Source, lowering.Expander(node.Env, instruction.Span));
        string name = stage.Name(label, command.IsOnBuild);
        VertexMeta meta = stage.Meta(name, instruction.Span) with { IgnoreCache = node.IgnoreCache };
        bool link = instruction.Link && transfer.Mode is null;
        _inputs.Add(link ? lowering.ScratchRoot : node.Root!);

        var history = new StringBuilder(isAdd ? "ADD" : "COPY");
        if (instruction is CopyInstruction { Parents: true }) history.Append(" --parents");
        if (transfer.Owner is not null) history.Append(" --chown=").Append(transfer.Owner);
        if (transfer.Mode is not null) history.Append(" --chmod=").Append(transfer.Mode);
        foreach (string path in transfer.Sources)
        {
            history.Append(' ').Append(path);
            if (!isAdd && (RemoteSources.IsGit(path) || RemoteSources.IsHttp(path)))
            {
                throw Invalid(instruction, $"source can't be {(RemoteSources.IsGit(path) ? "a git ref" : "a URL")} for COPY", "use ADD", path);
            }

            Vertex? remote = isAdd ? RemoteSources.TryCreate(path, transfer.Checksum, (AddInstruction)instruction, meta) : null;
            if (remote is not null) AddRemote(transfer, remote);
            else AddLocal(transfer, path, source, lint);
        }

        foreach (InlineFile file in transfer.Files)
        {
            history.Append(" <<").Append(file.Name);
            AddInline(transfer, file);
        }

        history.Append(' ').Append(transfer.Written).Append(" # buildkit");
        var op = new FileOp(_actions.ToImmutable()) { CreatedTime = lowering.SourceDateEpoch };
        var vertex = new Vertex(op, [.. _inputs], meta);
        node.Root = link ? new Vertex(new MergeOp(), [node.Root!, vertex], meta with { Name = name.Replace("] ", "] LINK ", StringComparison.Ordinal) }) : vertex;
        stage.Commit(history.ToString(), hasLayer: true);
    }

    /// <summary>The instruction's words after expansion.</summary>
    private sealed record Transfer(
        TransferInstruction Instruction, ImmutableArray<string> Sources, ImmutableArray<InlineFile> Files, string Written, string Destination,
        string? Owner, string? Mode, string? Checksum);

    private Transfer Expand(TransferInstruction instruction, Linter lint)
    {
        string One(string word) => stage.Expand(word, instruction.Text, lint);
        string owner = One(instruction.Chown), mode = One(instruction.Chmod), checksum = One((instruction as AddInstruction)?.Checksum ?? "");
        ImmutableArray<string> sources = [.. instruction.Sources.Select(One)];
        string written = One(instruction.Destination);
        ImmutableArray<InlineFile> files = [.. instruction.Files.Select(f => f.Expand ? f with { Content = ExpandContent(f.Content, instruction, lint) } : f)];
        if (mode.Length > 0 && !ChmodText.IsValid(mode))
        {
            throw Invalid(instruction, $"invalid chmod parameter '{mode}'", "it is an octal number up to 07777 or a symbolic mode such as u=rwX,go=rX", "--chmod");
        }

        if (checksum.Length > 0 && sources.Length != 1)
            throw Invalid(instruction, "checksum can't be specified for multiple sources", "use one ADD for each", "--checksum");
        if (checksum.Length > 0 && !RemoteSources.IsHttp(sources[0]) && !RemoteSources.IsGit(sources[0]))
            throw Invalid(instruction, "checksum requires HTTP(S) or Git sources", "remove --checksum", "--checksum");
        return new Transfer(instruction, sources, files, written, ContainerPath.ResolveDestination(node.WorkingDirectory, written),
            NullIfEmpty(owner), NullIfEmpty(mode), NullIfEmpty(checksum));
    }

    private string ExpandContent(string content, TransferInstruction instruction, Linter lint)
    {
        var expander = new WordExpander('\\', node.Env, lowering.Budget) { IgnoreQuotes = true, Span = instruction.Span };
        string result = expander.Expand(content);
        StageLints.ReportUndefined(node, expander.Unmatched, instruction.Span, lint);
        return result;
    }

    private Vertex Source(TransferInstruction instruction, BoundCommand command)
    {
        if (command.Sources is not [StageNode from]) return lowering.Options.Context;
        return from.Lowered ? from.Root! : throw Invalid(instruction,
            $"cannot copy from stage '{from.DisplayName}', it needs to be defined before the current stage '{node.DisplayName}'",
            "move the stage up", "--from");
    }

    private void AddLocal(Transfer transfer, string path, Vertex source, Linter lint)
    {
        TransferInstruction instruction = transfer.Instruction;
        if (source == lowering.Options.Context) ContextLints.ReportIgnored(lowering, instruction, path, lint);
        bool parents = instruction is CopyInstruction { Parents: true };
        string from = parents ? WithPivot(path) : ContainerPath.Resolve("/", path);
        Add(source, new CopyAction(0, [from], transfer.Destination)
        {
            Unpack = instruction is AddInstruction add && (add.Unpack ?? true),
            Parents = parents,
            FollowSymlinks = true,
            AllowEmpty = ContainerPath.HasWildcards(path),
        }, transfer);
    }

    // The pivot of --parents is the first /./; cleaning the path must not lose it.
    private static string WithPivot(string path)
    {
        int pivot = path.IndexOf("/./", StringComparison.Ordinal);
        if (pivot < 0) return ContainerPath.Resolve("/", path);
        string parent = ContainerPath.Resolve("/", path[..pivot]), rest = ContainerPath.Resolve("/", path[(pivot + 3)..]);
        return (parent == "/" ? "" : parent) + "/." + rest;
    }

    private void AddRemote(Transfer transfer, Vertex source)
    {
        bool isGit = source.Op is GitSourceOp;
        Add(source, new CopyAction(0, [isGit ? "/" : "/" + ((HttpSourceOp)source.Op).FileName], transfer.Destination)
        {
            AllowWildcard = false, Unpack = !isGit && (((AddInstruction)transfer.Instruction).Unpack ?? false), ContentsOnly = isGit,
        }, transfer);
    }

    private void AddInline(Transfer transfer, InlineFile file)
    {
        string path = ContainerPath.Resolve("/", file.Name);
        var document = new Vertex(
            new FileOp([new MkFileAction(path, 0b110_100_100, PathText.Encode(file.Content))]) { CreatedTime = lowering.SourceDateEpoch }, [lowering.ScratchRoot],
            new VertexMeta("[internal] preparing inline document") { Span = transfer.Instruction.Span });
        Add(document, new CopyAction(0, [path], transfer.Destination) { AllowWildcard = false, ContentsOnly = false }, transfer);
    }

    private void Add(Vertex source, CopyAction action, Transfer transfer)
    {
        int input = _inputs.IndexOf(source, 1);
        if (input < 0)
        {
            input = _inputs.Count;
            _inputs.Add(source);
        }

        _actions.Add(action with { Input = input, Owner = transfer.Owner, Mode = transfer.Mode, Excludes = transfer.Instruction.Excludes });
    }

    private static KimgException Invalid(TransferInstruction instruction, string message, string hint, string word) =>
        new(ErrorCode.InvalidCopy, message) { Hint = hint, Span = SourceSpans.Locate(instruction.Span, word) };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
