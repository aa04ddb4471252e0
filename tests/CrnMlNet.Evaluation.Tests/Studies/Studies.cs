using CrnMlNet.Evaluation.Studies;

namespace CrnMlNet.Evaluation.Tests.Studies;

/// <summary>Studies whose images need not exist.</summary>
internal static class Studies
{
    public static (string System, IReadOnlyDictionary<string, string> Files) System(string name, int layouts, string extension = ".png")
        => (name, Enumerable.Range(0, layouts).ToDictionary(i => $"scene{i:000}", i => $"/photos/{name}/scene{i:000}{extension}"));

    public static PairwiseStudy LayOut(StudyDesign design, int layouts, params string[] systems)
        => design.LayOut([.. systems.Select(system => System(system, layouts))]).Study;

    /// <summary>The system that a pair shows on a side.</summary>
    public static string SystemOf(PairwiseStudy study, StudyPair pair, Side side) => study.FindImage(side == Side.Left ? pair.Left : pair.Right)!.System;

    public static string LayoutOf(PairwiseStudy study, StudyPair pair)
    {
        Assert.Equal(study.FindImage(pair.Left)!.Layout, study.FindImage(pair.Right)!.Layout);
        return study.FindImage(pair.Left)!.Layout;
    }

    /// <summary>The side on which a pair shows a system.</summary>
    public static Side SideOf(PairwiseStudy study, StudyPair pair, string system) => SystemOf(study, pair, Side.Left) == system ? Side.Left : Side.Right;
}
