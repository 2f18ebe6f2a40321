using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Reads secrets where the request says they are, when a step asks.</summary>
internal sealed class SecretReader(ImmutableArray<SecretSource> sources, Func<string, string?> environment)
{
    /// <summary>What BuildKit allows too.</summary>
    private const int MaxSize = 500 << 10;

    public async Task<byte[]?> ReadAsync(string id, CancellationToken cancellationToken)
    {
        if (sources.FirstOrDefault(source => source.Id == id) is not { } found) return null;
        if (found.Variable is { } variable) return environment(variable) is { } value ? Encoding.UTF8.GetBytes(value) : null;
        try
        {
            return await GivenFile.ReadAsync(found.File!, MaxSize, cancellationToken)
                ?? throw new KimgException(ErrorCode.InvalidSecret, $"secret '{id}' is larger than {MaxSize >> 10} KiB");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.InvalidSecret, $"cannot read secret '{id}' from '{found.File}': {error.Message}", error);
        }
    }
}
