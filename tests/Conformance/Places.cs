namespace Kimg.Conformance;

/// <summary>What a case calls <c>${REGISTRY}</c>, <c>${HTTP}</c> and <c>${GIT}</c>, which is somewhere else in every run.</summary>
internal sealed record Places(string Registry, string Http, string Git)
{
    private (string Name, string Place)[] All => [("${REGISTRY}", Registry), ("${HTTP}", Http), ("${GIT}", Git)];

    public string Fill(string text) => All.Aggregate(text, (filled, pair) => filled.Replace(pair.Name, pair.Place, StringComparison.Ordinal));

    public string Mask(string text) => All.Aggregate(text, (masked, pair) => masked.Replace(pair.Place, pair.Name, StringComparison.Ordinal));
}
