using Kimg.Engine.Primitives;
using Kimg.Engine.Registry.Credentials;

namespace Kimg.Engine.Cache;

/// <summary>Keys of the profile in <c>~/.aws</c>. One that is named and cannot be used is an error: the identity that would be found after it is another one.</summary>
internal sealed class AwsProfiles(CredentialOptions options)
{
    // How a profile gets its credentials elsewhere, in the order in which AWS's tools ask: before the keys of the files, and after those of the first.
    private static readonly string[] s_before = ["role_arn", "sso_session", "sso_start_url"], s_between = ["credential_process"];

    /// <exception cref="KimgException">AuthenticationFailed: the profile is not there, or not of keys.</exception>
    public AwsIdentity? Find()
    {
        string home = Path.Combine(options.HomeDirectory ?? "/nonexistent", ".aws"), profile = options.Variable("AWS_PROFILE") ?? "default";
        string section = profile == "default" ? profile : "profile " + profile;
        Dictionary<string, string>? keys = Section(options.Variable("AWS_SHARED_CREDENTIALS_FILE") ?? Path.Combine(home, "credentials"), profile);
        Dictionary<string, string>? config = Section(options.Variable("AWS_CONFIG_FILE") ?? Path.Combine(home, "config"), section);
        if (keys is null && config is null)
        {
            return options.Variable("AWS_PROFILE") is null ? null : throw new KimgException(ErrorCode.AuthenticationFailed, $"there is no AWS profile '{profile}'")
            {
                Hint = $"AWS_PROFILE names it; look for [{profile}] in ~/.aws/credentials and [profile {profile}] in ~/.aws/config",
            };
        }

        Refuse(profile, s_before, keys, config);
        if (Identity(keys, profile) is { } found) return found;
        Refuse(profile, s_between, keys, config);
        return Identity(config, profile);
    }

    private static void Refuse(string profile, string[] ways, params Dictionary<string, string>?[] sections)
    {
        if (ways.FirstOrDefault(way => sections.Any(section => section?.ContainsKey(way) == true)) is not { } found) return;
        throw new KimgException(ErrorCode.AuthenticationFailed, $"the AWS profile '{profile}' gets its credentials by {found}, which is not supported")
        {
            Hint = $"eval \"$(aws configure export-credentials --profile {profile} --format env)\" before the build gives them as variables",
        };
    }

    private static AwsIdentity? Identity(Dictionary<string, string>? section, string profile)
    {
        string? id = section?.GetValueOrDefault("aws_access_key_id"), secret = section?.GetValueOrDefault("aws_secret_access_key");
        if (id is null && secret is null) return null;
        if (id is null || secret is null)
        {
            throw new KimgException(ErrorCode.AuthenticationFailed, $"the AWS profile '{profile}' has no {(id is null ? "aws_access_key_id" : "aws_secret_access_key")}")
            {
                Hint = "aws configure --profile " + profile,
            };
        }

        return new AwsIdentity(id, new Secret(secret), section!.GetValueOrDefault("aws_session_token") is { } token ? new Secret(token) : null, $"profile {profile}");
    }

    // null: there is no such section.
    private static Dictionary<string, string>? Section(string path, string name)
    {
        if (!File.Exists(path)) return null;
        Dictionary<string, string>? values = null;
        bool inside = false;
        foreach (string line in File.ReadLines(path).Select(l => l.Trim()))
        {
            if (line.StartsWith('['))
            {
                inside = line.Trim('[', ']').Trim() == name;
                if (inside) values ??= new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            }
            else if (inside && line.IndexOf('=') is var equals and > 0 && line[0] is not ('#' or ';')) values![line[..equals].Trim()] = line[(equals + 1)..].Trim();
        }

        return values;
    }
}
