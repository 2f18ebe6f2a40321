using System.Collections.Immutable;

namespace Kimg.Engine.Dockerfile;

/// <summary>The rules of the reference's linter, with its names and texts.</summary>
internal static class LintRules
{
    public static readonly LintRule StageNameCasing = new("StageNameCasing", "Stage names should be lowercase",
        "Stage name '{0}' should be lowercase", "stage-name-casing");

    public static readonly LintRule FromAsCasing = new("FromAsCasing", "The 'as' keyword should match the case of the 'from' keyword",
        "'{0}' and '{1}' keywords' casing do not match", "from-as-casing");

    public static readonly LintRule NoEmptyContinuation = new("NoEmptyContinuation",
        "Empty continuation lines will become errors in a future release", "Empty continuation line", "no-empty-continuation");

    public static readonly LintRule ConsistentInstructionCasing = new("ConsistentInstructionCasing",
        "All commands within the Dockerfile should use the same casing (either upper or lower)",
        "Command '{0}' should match the case of the command majority ({1})", "consistent-instruction-casing");

    public static readonly LintRule DuplicateStageName = new("DuplicateStageName", "Stage names should be unique",
        "Duplicate stage name \"{0}\", stage names should be unique", "duplicate-stage-name");

    public static readonly LintRule ReservedStageName = new("ReservedStageName", "Reserved words should not be used as stage names",
        "Stage name should not use the same name as reserved stage \"{0}\"", "reserved-stage-name");

    public static readonly LintRule JsonArgsRecommended = new("JSONArgsRecommended",
        "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
        "JSON arguments recommended for {0} to prevent unintended behavior related to OS signals", "json-args-recommended");

    public static readonly LintRule MaintainerDeprecated = new("MaintainerDeprecated",
        "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
        "Maintainer instruction is deprecated in favor of using label", "maintainer-deprecated");

    public static readonly LintRule UndefinedArgInFrom = new("UndefinedArgInFrom", "FROM command must use declared ARGs",
        "FROM argument '{0}' is not declared{1}", "undefined-arg-in-from");

    public static readonly LintRule WorkdirRelativePath = new("WorkdirRelativePath",
        "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
        "Relative workdir {0} can have unexpected results if the base image changes", "workdir-relative-path");

    public static readonly LintRule UndefinedVar = new("UndefinedVar", "Variables should be defined before their use",
        "Usage of undefined variable '${0}'{1}", "undefined-var");

    public static readonly LintRule MultipleInstructionsDisallowed = new("MultipleInstructionsDisallowed",
        "Multiple instructions of the same type should not be used in the same stage",
        "Multiple {0} instructions should not be used in the same stage because only the last one will be used",
        "multiple-instructions-disallowed");

    public static readonly LintRule LegacyKeyValueFormat = new("LegacyKeyValueFormat",
        "Legacy key/value format with whitespace separator should not be used",
        "\"{0} key=value\" should be used instead of legacy \"{0} key value\" format", "legacy-key-value-format");

    public static readonly LintRule InvalidBaseImagePlatform = new("InvalidBaseImagePlatform",
        "Base image platform does not match expected target platform",
        "Base image {0} was pulled with platform \"{1}\", expected \"{2}\" for current build", null);

    public static readonly LintRule RedundantTargetPlatform = new("RedundantTargetPlatform",
        "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
        "Setting platform to predefined {0} in FROM is redundant as this is the default behavior", "redundant-target-platform");

    public static readonly LintRule SecretsUsedInArgOrEnv = new("SecretsUsedInArgOrEnv",
        "Sensitive data should not be used in the ARG or ENV commands",
        "Do not use ARG or ENV instructions for sensitive data ({0} {1})", "secrets-used-in-arg-or-env");

    public static readonly LintRule InvalidDefaultArgInFrom = new("InvalidDefaultArgInFrom",
        "Default value for global ARG results in an empty or invalid base image name",
        "Default value for ARG {0} results in empty or invalid base image name", "invalid-default-arg-in-from");

    public static readonly LintRule FromPlatformFlagConstDisallowed = new("FromPlatformFlagConstDisallowed",
        "FROM --platform flag should not use a constant value", "FROM --platform flag should not use constant value \"{0}\"",
        "from-platform-flag-const-disallowed");

    public static readonly LintRule CopyIgnoredFile = new("CopyIgnoredFile", "Attempting to Copy file that is excluded by .dockerignore",
        "Attempting to {0} file {1} that is excluded by .dockerignore", "copy-ignored-file");

    public static readonly LintRule InvalidDefinitionDescription = new("InvalidDefinitionDescription",
        "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a "
        + "description comment, add an empty line or comment between the instruction and the comment.",
        "Comment for {0} should follow the format: `# {1} <description>`", "invalid-definition-description") { Experimental = true };

    public static readonly LintRule ExposeProtoCasing = new("ExposeProtoCasing", "Protocol in EXPOSE instruction should be lowercase",
        "Defined protocol '{0}' in EXPOSE instruction should be lowercase", "expose-proto-casing");

    public static readonly LintRule ExposeInvalidFormat = new("ExposeInvalidFormat",
        "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
        "EXPOSE instruction should not define an IP address or host-port mapping, found '{0}'", "expose-invalid-format");

    public static ImmutableArray<LintRule> All { get; } =
    [
        StageNameCasing, FromAsCasing, NoEmptyContinuation, ConsistentInstructionCasing, DuplicateStageName, ReservedStageName,
        JsonArgsRecommended, MaintainerDeprecated, UndefinedArgInFrom, WorkdirRelativePath, UndefinedVar, MultipleInstructionsDisallowed,
        LegacyKeyValueFormat, InvalidBaseImagePlatform, RedundantTargetPlatform, SecretsUsedInArgOrEnv, InvalidDefaultArgInFrom,
        FromPlatformFlagConstDisallowed, CopyIgnoredFile, InvalidDefinitionDescription, ExposeProtoCasing, ExposeInvalidFormat,
    ];
}
