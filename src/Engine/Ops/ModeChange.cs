using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Ops;

/// <summary>--chmod: an octal mode, or chmod(1)'s symbolic form (<c>u=rwX,go=rX</c>, <c>+x</c>, <c>g=u</c>, umask 0).</summary>
internal sealed class ModeChange
{
    private readonly int? _octal;
    private readonly ImmutableArray<Clause> _clauses = [];

    private ModeChange(int octal) => _octal = octal;

    private ModeChange(ImmutableArray<Clause> clauses) => _clauses = clauses;

    /// <summary>The twelve mode bits of an octal change, which created parent directories get too; null for a symbolic one.</summary>
    public int? Octal => _octal;

    public static ModeChange? Parse(string? text) => text switch
    {
        null or "" => null,
        _ when text.All(c => c is >= '0' and <= '7') && text.Length <= 5 && Convert.ToInt32(text, 8) <= 0xFFF => new(Convert.ToInt32(text, 8)),
        _ when text.All(char.IsAsciiDigit) => throw Invalid(text),
        _ => new([.. text.Split(',').Select(part => Clause.Parse(part) ?? throw Invalid(text))]),
    };

    public int Apply(int mode, bool directory)
    {
        if (_octal is { } octal) return octal;
        foreach (Clause clause in _clauses) mode = clause.Apply(mode, directory);
        return mode;
    }

    private static KimgException Invalid(string text) => new(ErrorCode.InvalidInstruction, $"invalid --chmod '{text}'")
    {
        Hint = "a mode is octal, as in 0755, or symbolic, as in u=rwX,go=rX",
    };

    private sealed record Clause(string Who, ImmutableArray<(char Operator, string Permissions)> Actions)
    {
        public static Clause? Parse(string text)
        {
            int at = 0;
            while (at < text.Length && "ugoa".Contains(text[at])) at++;
            string who = text[..at];
            var actions = ImmutableArray.CreateBuilder<(char, string)>();
            while (at < text.Length)
            {
                if (!"+-=".Contains(text[at])) return null;
                char op = text[at++];
                int start = at;
                while (at < text.Length && "rwxXstugo".Contains(text[at])) at++;
                string permissions = text[start..at];
                if (permissions.Length > 1 && permissions.IndexOfAny(['u', 'g', 'o']) >= 0) return null;
                actions.Add((op, permissions));
            }

            return actions.Count == 0 ? null : new Clause(who.Length == 0 || who.Contains('a') ? "ugo" : who, actions.ToImmutable());
        }

        public int Apply(int mode, bool directory)
        {
            foreach ((char op, string permissions) in Actions)
            {
                int bits = 0, mask = 0;
                foreach (char who in Who)
                {
                    int shift = Shift(who);
                    mask |= (7 << shift) | (who switch { 'u' => 0x800, 'g' => 0x400, _ => 0x200 });
                    foreach (char permission in permissions) bits |= Bits(permission, who, shift, mode, directory);
                }

                // As in GNU chmod, = on a directory leaves setuid and setgid alone unless named.
                if (directory && op == '=' && !permissions.Contains('s')) mask &= ~0xC00;
                mode = op switch { '+' => mode | bits, '-' => mode & ~bits, _ => (mode & ~mask) | bits };
            }

            return mode;
        }

        private static int Shift(char who) => who switch { 'u' => 6, 'g' => 3, _ => 0 };

        private static int Bits(char permission, char who, int shift, int mode, bool directory) => permission switch
        {
            'r' => 4 << shift,
            'w' => 2 << shift,
            'x' => 1 << shift,
            'X' => directory || (mode & 0b001_001_001) != 0 ? 1 << shift : 0,
            's' => who switch { 'u' => 0x800, 'g' => 0x400, _ => 0 },
            't' => 0x200,
            _ => ((mode >> Shift(permission)) & 7) << shift,
        };
    }
}
