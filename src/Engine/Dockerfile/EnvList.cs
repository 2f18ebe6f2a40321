using System.Collections.Immutable;

namespace Kimg.Engine.Dockerfile;

/// <summary>The environment of a stage while it is lowered: ENV and ARG together, ordered by the last assignment.</summary>
internal sealed class EnvList : IVariables
{
    private readonly Dictionary<string, (string Value, long Order)> _values;
    private long _order;
    private ImmutableArray<string>? _list;

    public EnvList() => _values = [];

    private EnvList(EnvList other) => (_values, _order, _list) = (new(other._values), other._order, other._list);

    public IReadOnlyCollection<string> Names => _values.Keys;

    public string? Get(string name) => _values.TryGetValue(name, out (string Value, long Order) entry) ? entry.Value : null;

    public void Set(string name, string value)
    {
        _values[name] = (value, _order++);
        _list = null;
    }

    public void Remove(string name)
    {
        if (_values.Remove(name)) _list = null;
    }

    public EnvList Clone() => new(this);

    /// <summary><c>NAME=value</c>, in order; the same array as long as nothing changes.</summary>
    public ImmutableArray<string> ToArray() => _list ??= [.. _values.OrderBy(v => v.Value.Order).Select(v => $"{v.Key}={v.Value.Value}")];
}
