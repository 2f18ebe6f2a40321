using System.Reflection;
using System.Text;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Architecture;

/// <summary>What others may call, one line each, in PublicApi.txt: a change to it shows in review. KIMG_UPDATE_GOLDEN=1 rewrites the file.</summary>
public sealed class PublicApiTests
{
    private const string Golden = "tests/Architecture/PublicApi.txt";
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Fact]
    public void The_public_surface_is_the_recorded_one()
    {
        string actual = Describe(typeof(Digest).Assembly);
        if (Environment.GetEnvironmentVariable("KIMG_UPDATE_GOLDEN") == "1")
            File.WriteAllText(Path.Combine(Repository.Root, Golden), actual);
        string[] expected = Repository.Lines(Golden);
        string[] lines = actual.TrimEnd('\n').Split('\n');
        Rule.Holds(lines.Except(expected).Select(l => "+ " + l).Concat(expected.Except(lines).Select(l => "- " + l)));
    }

    private static string Describe(Assembly assembly)
    {
        StringBuilder text = new();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            string name = Name(type);
            text.Append(Kind(type)).Append(' ').Append(type.Namespace).Append('.').Append(name).Append('\n');
            IEnumerable<string> members = type.IsEnum
                ? type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => $"{f.Name} = {f.GetRawConstantValue()}")
                : type.GetMembers(Declared).Where(m => !IsGenerated(m)).Select(Member);
            foreach (string member in members.Order(StringComparer.Ordinal))
                text.Append("  ").Append(name).Append('.').Append(member).Append('\n');
        }

        return text.ToString();
    }

    private static string Kind(Type type) => type switch
    {
        { IsEnum: true } => "enum",
        { IsInterface: true } => "interface",
        { IsValueType: true } => "struct",
        { IsAbstract: true, IsSealed: true } => "static class",
        _ => "class",
    };

    /// <summary>What the compiler writes for records and properties says nothing.</summary>
    private static bool IsGenerated(MemberInfo member) =>
        member.Name.Contains('<') || member.Name.Contains('$')
        || member is MethodInfo { IsSpecialName: true }
        || member.Name is "Equals" or "GetHashCode" or "ToString" or "Deconstruct"
        || member is ConstructorInfo c && c.GetParameters() is [{ } only] && only.ParameterType == member.DeclaringType;

    private static string Member(MemberInfo member) => member switch
    {
        PropertyInfo p => $"{p.Name}: {Name(p.PropertyType)}{(p.CanWrite ? " init" : "")}",
        FieldInfo f => $"{f.Name}: {Name(f.FieldType)} const",
        ConstructorInfo c => $"new({Parameters(c)})",
        MethodInfo m => $"{m.Name}({Parameters(m)}): {Name(m.ReturnType)}",
        _ => $"{member.MemberType} {member.Name}",
    };

    private static string Parameters(MethodBase method) =>
        string.Join(", ", method.GetParameters().Select(p => $"{Name(p.ParameterType)} {p.Name}{(p.IsOptional ? "?" : "")}"));

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Name(inner) + "?";
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        string name = type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        return type.IsGenericType ? $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }
}
