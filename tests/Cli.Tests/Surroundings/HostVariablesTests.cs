using Xunit;

namespace Kimg.Cli.Tests.Surroundings;

public sealed class HostVariablesTests
{
    [Fact]
    public void The_directories_of_a_user_of_windows_have_their_linux_names()
    {
        var variables = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["UserProfile"] = @"C:\Users\me", ["LocalAppData"] = @"C:\Users\me\AppData\Local", ["Path"] = @"C:\Windows",
        };
        HostVariables.AddLinuxNames(variables);
        Assert.Equal((@"C:\Users\me", @"C:\Users\me\AppData\Local", @"C:\Windows"), (variables["HOME"], variables["XDG_DATA_HOME"], variables["PATH"]));
    }

    [Fact]
    public void What_is_set_on_purpose_stays()
    {
        var variables = new Dictionary<string, string> { ["USERPROFILE"] = @"C:\Users\me", ["HOME"] = @"D:\home" };
        HostVariables.AddLinuxNames(variables);
        Assert.Equal(@"D:\home", variables["HOME"]);
    }
}
