using System.Globalization;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Budgets;

/// <summary>Figures that do not depend on how fast or busy the machine is, each with what it may be: budgets.json. KIMG_UPDATE_GOLDEN=1 records what is
/// measured, with the room that the kind of figure needs.</summary>
internal static class Budget
{
    private static readonly Lock s_file = new();

    private static string File => RepositoryFiles.Path("tests/Budgets/budgets.json");

    /// <param name="name">"kind.scenario".</param>
    /// <param name="room">Share that the figure may grow before it fails: what repetitions differ by, and a little.</param>
    public static void Check(string name, long measured, double room)
    {
        lock (s_file)
        {
            JsonObject budgets = JsonNode.Parse(System.IO.File.ReadAllText(File))!.AsObject();
            if (Environment.GetEnvironmentVariable("KIMG_UPDATE_GOLDEN") == "1")
            {
                budgets[name] = (long)(measured * (1 + room));
                string text = string.Join(",\n", budgets.OrderBy(b => b.Key, StringComparer.Ordinal).Select(b => $"  \"{b.Key}\": {b.Value}"));
                System.IO.File.WriteAllText(File, $"{{\n{text}\n}}\n");
                return;
            }

            long budget = budgets[name]?.GetValue<long>() ?? throw new InvalidOperationException($"no budget '{name}': record it with KIMG_UPDATE_GOLDEN=1");
            Assert.True(measured <= budget, string.Create(CultureInfo.InvariantCulture, $"{name}: {measured:N0}, the budget is {budget:N0}"));
        }
    }
}
