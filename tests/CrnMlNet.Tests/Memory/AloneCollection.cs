namespace CrnMlNet.Tests.Memory;

/// <summary>Tests that look at the whole process' memory, and so run when no other does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "Alone";
}
