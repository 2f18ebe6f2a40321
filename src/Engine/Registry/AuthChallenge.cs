using System.Collections.Immutable;

namespace Kimg.Engine.Registry;

/// <summary>One challenge of a <c>WWW-Authenticate</c> header (RFC 9110, 11.6.1). Parameter names are lower-cased.</summary>
internal sealed record AuthChallenge(string Scheme, ImmutableDictionary<string, string> Parameters)
{
    public string? this[string name] => Parameters.GetValueOrDefault(name);

    public bool Is(string scheme) => Scheme.Equals(scheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>All challenges of all header values; what cannot be read ends the value it is in.</summary>
    public static ImmutableArray<AuthChallenge> ParseAll(IEnumerable<string> headerValues) =>
        [.. headerValues.SelectMany(value => new Reader(value).Challenges())];

    private sealed class Reader(string text)
    {
        private int _at;

        public IEnumerable<AuthChallenge> Challenges()
        {
            SkipSeparators();
            while (Token() is { Length: > 0 } scheme)
            {
                SkipSpaces();
                var parameters = ImmutableDictionary.CreateBuilder<string, string>();
                while (Parameter() is { } parameter) parameters[parameter.Name] = parameter.Value;
                yield return new AuthChallenge(scheme, parameters.ToImmutable());
                SkipSeparators();
            }
        }

        // A token followed by '=' is a parameter, one that is not is the next challenge's scheme.
        private (string Name, string Value)? Parameter()
        {
            int start = _at;
            SkipSeparators();
            string name = Token();
            SkipSpaces();
            if (name.Length == 0 || _at >= text.Length || text[_at] != '=')
            {
                _at = start;
                return null;
            }

            _at++;
            SkipSpaces();
            return (name.ToLowerInvariant(), _at < text.Length && text[_at] == '"' ? Quoted() : Unquoted());
        }

        private string Token()
        {
            int start = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || "!#$%&'*+-.^_`|~".Contains(text[_at]))) _at++;
            return text[start.._at];
        }

        private string Unquoted()
        {
            int start = _at;
            while (_at < text.Length && text[_at] is not (',' or ' ' or '\t')) _at++;
            return text[start.._at];
        }

        private string Quoted()
        {
            var value = new System.Text.StringBuilder();
            for (_at++; _at < text.Length && text[_at] != '"'; _at++)
            {
                if (text[_at] == '\\' && _at + 1 < text.Length) _at++;
                value.Append(text[_at]);
            }

            // Past the closing quote, if there is one.
            _at = Math.Min(_at + 1, text.Length);
            return value.ToString();
        }

        private void SkipSpaces()
        {
            while (_at < text.Length && text[_at] is ' ' or '\t') _at++;
        }

        private void SkipSeparators()
        {
            while (_at < text.Length && text[_at] is ' ' or '\t' or ',') _at++;
        }
    }
}
